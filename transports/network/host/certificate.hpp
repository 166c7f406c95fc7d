// A certificate for one update: fresh, self-signed, in memory only. Whoever connects knows it by its SHA-256.
#pragma once

#include "common/bytes.hpp"
#include "common/result.hpp"

#include <memory>

struct evp_pkey_st;
struct x509_st;

namespace fwupdate::network
{

class Certificate
{
  public:
    /// ECDSA P-256. It is valid at any time that a BMC's clock may show: nobody judges it by its dates or its name.
    /// Errors: input_output (OpenSSL).
    static Result<Certificate> make();

    /// SHA-256 of the certificate's DER form: what 4Dh calls the TLS pin.
    [[nodiscard]] const Sha256& pin() const
    {
        return pin_;
    }
    [[nodiscard]] x509_st* x509() const
    {
        return x509_.get();
    }
    [[nodiscard]] evp_pkey_st* key() const
    {
        return key_.get();
    }

  private:
    struct Free
    {
        void operator()(evp_pkey_st* key) const;
        void operator()(x509_st* x509) const;
    };

    std::unique_ptr<evp_pkey_st, Free> key_;
    std::unique_ptr<x509_st, Free> x509_;
    Sha256 pin_{};
};

} // namespace fwupdate::network
