#include "ipmitool-plugin/client/image_carrier.hpp"

#include "ipmitool-plugin/client/usb_transfer.hpp"

namespace fwupdate::client
{

ImageCarrier::ImageCarrier(const Context& context, const Image& image,
                           const protocol::GetCapabilitiesResponse& capabilities)
    : context_{context},
      image_{image},
      capabilities_{capabilities},
      transfer_{context, image, capabilities},
      server_{context, image, capabilities}
{
}

Attempt<void> ImageCarrier::carry(ProgressMeter& meter)
{
    if (!way_)
    {
        choose_way();
    }
    switch (*way_)
    {
    case Way::usb:
        return carry_by_drive(meter);
    case Way::serve:
        return server_.offer();
    default:
        return transfer_.send(meter);
    }
}

void ImageCarrier::choose_way()
{
    way_ = context_.keywords.transport.value_or(Way::stream);
    if (context_.keywords.transport)
    {
        return;
    }
    const std::string better = prefer_drive(context_, capabilities_, image_.size() - transfer_.arrived());
    if (!better.empty())
    {
        context_.reporter.notice(better + ": using the drive");
        way_ = Way::usb;
    }
}

/// A drive that nobody asked for and that does not work out is no failure: the image is streamed.
Attempt<void> ImageCarrier::carry_by_drive(ProgressMeter& meter)
{
    Attempt<void> sent = send_by_drive(context_, image_, meter);
    const bool asked_for = context_.keywords.transport.has_value();
    if (sent || asked_for || sent.error().remedy != Remedy::none || context_.environment.interrupted())
    {
        return sent;
    }
    context_.reporter.notice(sent.error().text + "; streaming over IPMI");
    way_ = Way::stream;
    return transfer_.send(meter);
}

} // namespace fwupdate::client
