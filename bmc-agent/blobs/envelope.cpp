#include "bmc-agent/blobs/envelope.hpp"

#include <algorithm>

namespace fwupdate::agent::blobs
{

Result<ConstBytes> check_data(ConstBytes data, std::size_t least)
{
    if (data.size() < least)
    {
        return fail(ErrorKind::length, "the blob request is shorter than its sub-command needs");
    }
    if (data.size() < crc_size)
    {
        return ConstBytes{};
    }
    const auto checked = codec::decode_request<CheckedData>(data);
    if (!checked || checked->body.view.empty())
    {
        return fail(ErrorKind::length, "the blob request has a CRC and nothing behind it");
    }
    if (checked->crc != crc16(checked->body.view))
    {
        return fail(ErrorKind::integrity, "the CRC of the blob request does not match: send it again");
    }
    return checked->body.view;
}

Result<std::string> read_id(ConstBytes bytes)
{
    const auto end = std::ranges::find(bytes, std::uint8_t{0});
    const auto length = static_cast<std::size_t>(end - bytes.begin());
    if (length == 0 || length + 1 != bytes.size())
    {
        return fail(ErrorKind::length, "a blob id is at least one character and one NUL at its end");
    }
    return as_text(bytes.first(length));
}

ipmi::Response make_response(const Reply& reply, std::size_t room)
{
    ipmi::Response response{reply.code, {enterprise.begin(), enterprise.end()}};
    if (reply.code != ipmi::CompletionCode::ok || !reply.body)
    {
        return response;
    }
    if (enterprise.size() + crc_size + reply.body->size() > room)
    {
        response.completion_code = ipmi::CompletionCode::cannot_be_provided;
        return response;
    }
    codec::append(CheckedData{crc16(*reply.body), {*reply.body}}, response.data);
    return response;
}

} // namespace fwupdate::agent::blobs
