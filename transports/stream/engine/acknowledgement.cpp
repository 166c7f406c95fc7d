#include "transports/stream/engine/acknowledgement.hpp"

#include <algorithm>

namespace fwupdate::stream
{

Acknowledgement Acknowledgement::from(const protocol::WriteFragmentResponse& response)
{
    Acknowledgement result{response.status, response.fragment, response.first_missing, response.received, 0, {}};
    result.bitmap_size = std::min(response.bitmap.view.size(), largest_bitmap);
    std::ranges::copy(response.bitmap.view.first(result.bitmap_size), result.bitmap.begin());
    return result;
}

} // namespace fwupdate::stream
