// The one table of selectors. Adding one: its configuration in bmc-agent/config/slots.hpp and read_slots.cpp, a file,
// and a row here.
#include "bmc-agent/targets/selector.hpp"

namespace fwupdate::agent
{
namespace
{

template <class... Rows> struct Table : Rows...
{
    using Rows::operator()...;
};
template <class... Rows> Table(Rows...) -> Table<Rows...>; // compilers before C++20's aggregates need it said

} // namespace

std::unique_ptr<Selector> make_selector(const config::Selector& configuration, CommandRunner* runner)
{
    const Table table{
        [](const config::FileSelector& file) { return make_file_selector(file); },
        [](const config::RedundantSelector& redundant) { return make_redundant_selector(redundant); },
        [&](const config::CommandSelector& command) { return make_command_selector(command, *runner); },
        [&](const config::UbootSelector& uboot) { return make_uboot_selector(uboot, *runner); },
    };
    return std::visit(table, configuration);
}

} // namespace fwupdate::agent
