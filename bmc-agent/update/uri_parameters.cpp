#include "bmc-agent/update/uri_parameters.hpp"

namespace fwupdate::agent
{
namespace
{

template <codec::Message Part> Result<UriParameters> parse(ConstBytes data)
{
    auto part = codec::decode_request<Part>(data);
    return part ? Result<UriParameters>{std::move(*part)} : Result<UriParameters>{part.error()};
}

} // namespace

Result<UriParameters> parse_uri_parameters(const protocol::SetUriParametersRequest& request)
{
    switch (request.part)
    {
    case protocol::UriPart::expectation:
        return parse<protocol::UriExpectation>(request.data.view);
    case protocol::UriPart::tls_pin:
        return parse<protocol::UriTlsPin>(request.data.view);
    case protocol::UriPart::credentials:
        break;
    }
    return parse<protocol::UriCredentials>(request.data.view);
}

} // namespace fwupdate::agent
