#include "common/random.hpp"

#include <openssl/rand.h>

#include <cstdlib>

namespace fwupdate
{

void SystemRandom::fill(MutableBytes out)
{
    // Without randomness no challenge or session id is worth anything: there is no way on.
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    {
        std::abort();
    }
}

} // namespace fwupdate
