// A server for one file and one update: HTTPS, or HTTP, on a path that nobody can guess, for one peer. It runs on a
// thread of its own until it is destroyed.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace fwupdate::network
{

struct ServedFile
{
    std::uint64_t size{}; ///< bytes
    Sha256 sha256{};      ///< its entity tag
    /// Called on the server's thread; fewer bytes than asked for only at the end.
    std::function<Result<Bytes>(std::uint64_t offset, std::size_t count)> read;
};

struct ServerLimits
{
    std::size_t connections{8};               ///< at a time; more are closed at once
    std::uint32_t head_bytes{8192};           ///< of a request's line and fields
    Duration head{std::chrono::seconds{10}};  ///< for the TLS handshake, and for each request's head to arrive
    Duration stall{std::chrono::seconds{60}}; ///< for the peer to take 16 KiB
};

struct ServerOptions
{
    /// Numeric address to listen on. One that is not this machine's, as behind NAT, or a name: every address.
    std::string address;
    std::uint16_t port{};            ///< 0: any that is free
    std::optional<std::string> peer; ///< numeric: only this one is served; none: anyone
    bool tls{true};
    ServerLimits limits;
};

/// What has happened until now.
struct ServerReport
{
    unsigned connections{};   ///< from whom is served
    unsigned refused{};       ///< from others
    std::string last_refused; ///< numeric address; empty: none
    unsigned failed_handshakes{};
    std::uint64_t sent{}; ///< bytes of the file
    std::string failure;  ///< why the file could not be read; empty: it could
};

class FileServer
{
  public:
    /// Listens before it returns. Errors: input_output (the port is taken, not permitted; OpenSSL), invalid_field (an
    /// address that is none).
    static Result<std::unique_ptr<FileServer>> start(ServerOptions options, ServedFile file);

    FileServer(const FileServer&) = delete;
    FileServer& operator=(const FileServer&) = delete;
    /// Ends every connection.
    ~FileServer();

    [[nodiscard]] std::uint16_t port() const;
    /// "/" and 32 hexadecimal digits, 128 random bits.
    [[nodiscard]] const std::string& path() const;
    /// SHA-256 of the certificate; none: without TLS.
    [[nodiscard]] const std::optional<Sha256>& pin() const;
    [[nodiscard]] ServerReport report() const;

  private:
    class Engine;
    explicit FileServer(std::unique_ptr<Engine> engine);

    std::unique_ptr<Engine> engine_;
};

} // namespace fwupdate::network
