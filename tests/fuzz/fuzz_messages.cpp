// Every message of the protocol, both directions. The first byte is the command, the second odd for a response, the
// rest its data. A request that decodes is canonical: it encodes to the same bytes. A response that decodes keeps its
// meaning: decoding its encoding gives the same message.
#include "protocol-spec/messages.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <tuple>

using namespace fwupdate;

namespace
{

void require(bool holds)
{
    if (!holds)
    {
        std::abort();
    }
}

template <codec::Message M> void try_request(ConstBytes data)
{
    const auto message = codec::decode_request<M>(data);
    if (message)
    {
        require(std::ranges::equal(codec::encode(*message), data));
        return;
    }
    require(message.error().kind == ErrorKind::length || message.error().kind == ErrorKind::invalid_field);
}

template <codec::Message M> void try_response(ConstBytes data)
{
    const auto message = codec::decode_response<M>(data);
    if (!message)
    {
        return;
    }
    const Bytes again = codec::encode(*message);
    const auto second = codec::decode_response<M>(again);
    require(second.has_value() && *second == *message);
    require(again.size() <= data.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2)
    {
        return 0;
    }
    const ConstBytes input{data, size};
    const ConstBytes bytes = input.subspan(2);
    const bool response = (input[1] & 1U) != 0;
    const auto attempt =
        [&]<class Request, class Response>(const protocol::CommandDefinition<Request, Response>& definition)
    {
        if (static_cast<std::uint8_t>(definition.command) == input[0])
        {
            response ? try_response<Response>(bytes) : try_request<Request>(bytes);
        }
    };
    std::apply([&](const auto&... definition) { (attempt(definition), ...); }, protocol::commands);
    return 0;
}
