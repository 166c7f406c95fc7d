// What a server of one file answers to one HTTP request (RFC 9110). Pure: no socket, no file.
#pragma once

#include "common/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fwupdate::network
{

/// What there is to serve, and under which path.
struct Resource
{
    std::string path; ///< the whole request target: "/4f3c..."
    std::uint64_t size{};
    std::string etag; ///< strong, with its quotes
};

/// What of a request's head counts. A field that came twice is not there.
struct FileRequest
{
    std::string_view method;
    std::string_view target;
    std::optional<std::string_view> range;
    std::optional<std::string_view> if_range;
};

struct FileAnswer
{
    unsigned status{};
    std::uint64_t first{}; ///< of the file's bytes
    std::uint64_t count{}; ///< Content-Length
    bool body{};           ///< bytes first..first+count-1 follow; not for HEAD, not for refusals
    std::string content_range;
};

/// 404 for every other path, whatever the method; 405 for everything but GET and HEAD; 206 for one range that can be
/// served and that If-Range, if there, allows; 416 for one beyond the end; a list of ranges is answered whole.
[[nodiscard]] FileAnswer answer(const FileRequest& request, const Resource& resource);

/// The strong entity tag of a file with this digest.
[[nodiscard]] std::string etag_of(const Sha256& sha256);

} // namespace fwupdate::network
