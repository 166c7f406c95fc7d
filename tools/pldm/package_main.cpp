// pldm-package: the edge where exceptions end.
#include "tools/pldm/package_command.hpp"

#include <exception>
#include <iostream>

int main(int argc, char** argv)
{
    try
    {
        return fwupdate::tools::run_package_command(argc, argv, std::cout, std::cerr);
    }
    catch (const std::exception& error)
    {
        constexpr int internal_failure = 4;
        std::cerr << "pldm-package: internal failure: " << error.what() << '\n';
        return internal_failure;
    }
}
