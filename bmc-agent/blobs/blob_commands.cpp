#include "bmc-agent/blobs/blob_commands.hpp"

#include "bmc-agent/blobs/envelope.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fwupdate::agent::blobs
{
namespace
{

using ipmi::CompletionCode;

struct Asked
{
    BlobManager& manager;
    ConstBytes body;
    const Caller& caller;
    TimePoint now;
};

Reply refuse_with(CompletionCode code, const Error& error)
{
    return {code, std::nullopt, error.text};
}

/// The original has one code for whatever a handler refuses.
Reply refuse_any(const Error& error)
{
    return refuse_with(CompletionCode::unspecified, error);
}

template <codec::Message M> Reply reply_with(const M& message)
{
    return {CompletionCode::ok, codec::encode(message), {}};
}

Reply reply_done(const Result<void>& result)
{
    return result ? Reply{} : refuse_any(result.error());
}

Reply reply_stat(const Result<StatResponse>& result)
{
    return result ? reply_with(*result) : refuse_any(result.error());
}

/// Decodes as the original does, which ignores what follows the fields, and goes on with the message.
template <codec::Message M, class Function> Reply with(const Asked& asked, Function function)
{
    const auto message = codec::decode<M>(asked.body, codec::Strictness::response);
    return message ? function(*message) : refuse_with(CompletionCode::data_length_invalid, message.error());
}

/// The same for a message that is an id or ends with one.
template <codec::Message M, class Function> Reply with_id(const Asked& asked, Function function)
{
    return with<M>(asked,
                   [&](const M& message)
                   {
                       const auto id = read_id(message.id.view);
                       return id ? function(message, *id)
                                 : refuse_with(CompletionCode::data_length_invalid, id.error());
                   });
}

Reply get_count(const Asked& asked)
{
    return reply_with(GetCountResponse{asked.manager.count()});
}

Reply enumerate(const Asked& asked)
{
    return with<EnumerateRequest>(
        asked,
        [&](const EnumerateRequest& request)
        {
            const auto id = asked.manager.enumerate(request.index);
            return id ? reply_with(BlobName{{as_bytes({id->c_str(), id->size() + 1})}}) // the NUL is there
                      : refuse_with(CompletionCode::invalid_data_field, id.error());
        });
}

Reply open(const Asked& asked)
{
    return with_id<OpenRequest>(asked,
                                [&](const OpenRequest& request, const std::string& id)
                                {
                                    const auto session = asked.manager.open(request.flags, id, asked.caller, asked.now);
                                    return session ? reply_with(SessionName{*session}) : refuse_any(session.error());
                                });
}

Reply read(const Asked& asked)
{
    return with<ReadRequest>(
        asked,
        [&](const ReadRequest& request)
        {
            auto bytes = asked.manager.read(request, asked.caller, asked.now);
            return bytes ? Reply{CompletionCode::ok, std::move(*bytes), {}} : refuse_any(bytes.error());
        });
}

Reply write(const Asked& asked)
{
    return with<WriteRequest>(asked, [&](const WriteRequest& request)
                              { return reply_done(asked.manager.write(request, asked.caller, asked.now)); });
}

Reply write_meta(const Asked& asked)
{
    return with<WriteRequest>(asked, [&](const WriteRequest& request)
                              { return reply_done(asked.manager.write_meta(request, asked.caller, asked.now)); });
}

Reply commit(const Asked& asked)
{
    return with<CommitRequest>(
        asked,
        [&](const CommitRequest& request)
        {
            if (request.size > request.data.view.size())
            {
                return refuse_with(CompletionCode::data_length_invalid,
                                   fail(ErrorKind::length, "the commit announces more data than it carries"));
            }
            return reply_done(
                asked.manager.commit(request.session, request.data.view.first(request.size), asked.caller, asked.now));
        });
}

Reply close(const Asked& asked)
{
    return with<SessionName>(asked, [&](const SessionName& request)
                             { return reply_done(asked.manager.close(request.session, asked.caller, asked.now)); });
}

Reply remove(const Asked& asked)
{
    return with_id<BlobName>(asked, [&](const BlobName&, const std::string& id)
                             { return reply_done(asked.manager.remove(id, asked.caller, asked.now)); });
}

Reply stat(const Asked& asked)
{
    return with_id<BlobName>(asked, [&](const BlobName&, const std::string& id)
                             { return reply_stat(asked.manager.stat(id)); });
}

Reply session_stat(const Asked& asked)
{
    return with<SessionName>(asked, [&](const SessionName& request)
                             { return reply_stat(asked.manager.stat(request.session, asked.caller, asked.now)); });
}

struct Row
{
    SubCommand sub_command{};
    std::size_t least{}; ///< bytes behind the sub-command, CRC included
    Reply (*serve)(const Asked&){};
};

constexpr auto rows = std::to_array<Row>({
    {SubCommand::get_count, 0, get_count},
    {SubCommand::enumerate, 6, enumerate},
    {SubCommand::open, 6, open},
    {SubCommand::read, 12, read},
    {SubCommand::write, 9, write},
    {SubCommand::commit, 5, commit},
    {SubCommand::close, 4, close},
    {SubCommand::remove, 4, remove},
    {SubCommand::stat, 4, stat},
    {SubCommand::session_stat, 4, session_stat},
    {SubCommand::write_meta, 9, write_meta},
});

/// In the original's order: length, CRC, sub-command.
Reply serve(BlobManager& manager, const Envelope& request, const Caller& caller, TimePoint now)
{
    const auto row = std::ranges::find(rows, static_cast<SubCommand>(request.sub_command), &Row::sub_command);
    const bool known = row != rows.end();
    const auto body = check_data(request.data.view, known ? row->least : 0);
    if (!body)
    {
        return refuse_with(ipmi::completion_code(body.error().kind), body.error());
    }
    if (!known)
    {
        return refuse_with(CompletionCode::invalid_data_field,
                           fail(ErrorKind::invalid_field, "no such blob sub-command"));
    }
    return row->serve({manager, *body, caller, now});
}

Outcome dispatch(BlobManager& manager, Log& log, ConstBytes data, const Caller& caller, TimePoint now)
{
    if (data.size() < enterprise.size())
    {
        return refuse(CompletionCode::data_length_invalid);
    }
    const ConstBytes asked = data.first(enterprise.size());
    if (!std::ranges::equal(asked, enterprise)) // another's OEM command: answered with the number it came with
    {
        return {{CompletionCode::invalid_command, {asked.begin(), asked.end()}}, true};
    }
    const auto request = codec::decode_request<Envelope>(data);
    const Reply reply = request ? serve(manager, *request, caller, now)
                                : refuse_with(CompletionCode::data_length_invalid, request.error());
    if (reply.code != CompletionCode::ok)
    {
        log.event(Level::info, "Blob request refused",
                  {{"sub_command", request ? std::to_string(request->sub_command) : std::string{"none"}},
                   {"user", caller.user},
                   {"reason", reply.why}});
    }
    return {make_response(reply, caller.max_response), true};
}

} // namespace

void add_blob_commands(CommandTable& table, BlobManager& manager, Log& log,
                       std::function<void(const Caller&, TimePoint)> heard)
{
    table.add({ipmi::NetFn::oem_group, command_number, ipmi::Privilege::administrator,
               [&manager, &log, heard = std::move(heard)](ConstBytes data, const Caller& caller, TimePoint now)
               {
                   heard(caller, now);
                   return dispatch(manager, log, data, caller, now);
               }});
}

} // namespace fwupdate::agent::blobs
