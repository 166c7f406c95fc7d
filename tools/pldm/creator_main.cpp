// pldm-fwup-pkg-creator: the edge where exceptions end.
#include "tools/pldm/creator_command.hpp"

#include <exception>
#include <iostream>

int main(int argc, char** argv)
{
    try
    {
        return fwupdate::tools::run_creator(argc, argv, std::cout, std::cerr);
    }
    catch (const std::exception& error)
    {
        std::cerr << "ERROR: internal failure: " << error.what() << '\n';
        return 1;
    }
}
