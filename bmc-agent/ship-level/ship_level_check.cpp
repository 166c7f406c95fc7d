#include "bmc-agent/ship-level/ship_level_check.hpp"

#include <utility>

namespace fwupdate::agent
{
namespace
{

class ShipLevelCheck final : public Check
{
  public:
    explicit ShipLevelCheck(std::function<ship_level::Verdict()> verdict) : verdict_{std::move(verdict)} {}

    [[nodiscard]] std::string_view name() const override
    {
        return "ship level";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& /*request*/, ConstBytes /*header*/) override
    {
        return finding();
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& /*subject*/) override
    {
        return finding();
    }

  private:
    [[nodiscard]] Finding finding() const
    {
        return {name(), protocol::ReasonCode::none, ship_level::describe(verdict_())};
    }

    std::function<ship_level::Verdict()> verdict_;
};

} // namespace

std::unique_ptr<Check> make_ship_level_check(std::function<ship_level::Verdict()> verdict)
{
    return std::make_unique<ShipLevelCheck>(std::move(verdict));
}

} // namespace fwupdate::agent
