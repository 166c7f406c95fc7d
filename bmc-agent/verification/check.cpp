#include "bmc-agent/verification/check.hpp"

#include <algorithm>

namespace fwupdate::agent
{

void Verification::begin()
{
    next_ = 0;
    report_.clear();
    for (const auto& check : *checks_)
    {
        check->begin();
    }
}

bool Verification::step(const UpdateRequest& request, const Staging& image)
{
    if (next_ == checks_->size())
    {
        return true;
    }
    auto finding = (*checks_)[next_]->verify(request, image);
    if (!finding)
    {
        return false;
    }
    report_.push_back(std::move(*finding));
    ++next_;
    return next_ == checks_->size() || !report_.back().passed();
}

std::vector<Finding> plan(CheckChain& checks, const UpdateRequest& request, ConstBytes header)
{
    std::vector<Finding> report;
    for (const auto& check : checks)
    {
        if (auto finding = check->plan(request, header))
        {
            report.push_back(std::move(*finding));
        }
    }
    return report;
}

const Finding* first_refusal(const std::vector<Finding>& report)
{
    const auto place = std::ranges::find_if(report, [](const Finding& finding) { return !finding.passed(); });
    return place == report.end() ? nullptr : &*place;
}

std::string describe(const std::vector<Finding>& report)
{
    std::string text;
    for (const Finding& finding : report)
    {
        text += std::string{finding.check} + (finding.passed() ? ": ok: " : ": REFUSED: ") + finding.text + "\n";
    }
    return text;
}

} // namespace fwupdate::agent
