#include "bmc-agent/verification/check.hpp"

#include "bmc-agent/staging/sealed_source.hpp"

#include <algorithm>
#include <utility>

namespace fwupdate::agent
{

void Verification::begin(const UpdateRequest& request, const Staging& staging)
{
    subject_ = {};
    subject_.request = &request;
    subject_.staging = &staging;
    *read_ = 0;
    package::ByteSource staged = sealed_source(staging);
    subject_.content = {staged.size, [staged, read = read_](std::uint64_t offset, MutableBytes out)
                        {
                            *read += out.size();
                            return staged.read(offset, out);
                        }};
    next_ = 0;
    report_.clear();
    for (const auto& check : *checks_)
    {
        check->begin();
    }
}

bool Verification::step()
{
    if (next_ == checks_->size())
    {
        return true;
    }
    auto finding = (*checks_)[next_]->verify(subject_);
    if (!finding)
    {
        return false;
    }
    report_.push_back(std::move(*finding));
    ++next_;
    return next_ == checks_->size() || !report_.back().passed();
}

std::uint64_t Verification::done() const
{
    const std::uint64_t length = subject_.staging == nullptr ? 0 : subject_.staging->length();
    return std::min(*read_ / subject_.readings, length);
}

void Verification::abandon()
{
    subject_ = {};
    for (const auto& check : *checks_)
    {
        check->begin();
    }
}

std::vector<Component> Verification::take_components()
{
    return std::exchange(subject_, {}).components;
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
