#include "bmc-agent/verification/slot_check.hpp"

#include "bmc-agent/verification/form.hpp"

namespace fwupdate::agent
{
namespace
{

using protocol::ReasonCode;

class SlotCheck final : public Check
{
  public:
    [[nodiscard]] std::string_view name() const override
    {
        return "slot";
    }

    [[nodiscard]] std::optional<Finding> plan(const UpdateRequest& request, ConstBytes header) override
    {
        if (request.target->handler().slots() == nullptr || !goes_there(request, header))
        {
            return std::nullopt;
        }
        return judge(*request.target);
    }

    [[nodiscard]] std::optional<Finding> verify(Subject& subject) override
    {
        Finding last{name(), ReasonCode::none, "none to choose"};
        for (const Component& component : subject.components)
        {
            if (component.target->handler().slots() == nullptr)
            {
                continue;
            }
            last = judge(*component.target);
            if (!last.passed())
            {
                break;
            }
        }
        return last;
    }

  private:
    /// A package may be for other targets.
    [[nodiscard]] static bool goes_there(const UpdateRequest& request, ConstBytes header)
    {
        const auto form = accepted_form(header, request);
        return request.target_chosen || (!header.empty() && form && *form == ImageForm::plain);
    }

    [[nodiscard]] Finding judge(const Target& target) const
    {
        const SlotKeeper& slots = *target.handler().slots();
        const auto error = slots.obstacle();
        if (!error)
        {
            return {name(), ReasonCode::none, "slot " + slots.other_slot() + " takes it"};
        }
        const bool on_trial = slots.state() && slots.state()->on_trial();
        return {name(), on_trial ? ReasonCode::not_confirmed : ReasonCode::input_output, error->text};
    }
};

} // namespace

std::unique_ptr<Check> make_slot_check()
{
    return std::make_unique<SlotCheck>();
}

} // namespace fwupdate::agent
