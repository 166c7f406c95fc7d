#include "bmc-agent/software/upload_intake.hpp"

#include "common/bytes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace fwupdate::agent::software
{
namespace
{

// As OpenBMC's image manager names them; the dot keeps them from being taken for an id.
constexpr std::string_view aside_prefix = ".image";
constexpr std::string_view file_name = "image.tar";

void remove_quietly(const std::filesystem::path& path)
{
    std::error_code ignored; // what can't be removed is a file too many, and the next start tries again
    std::filesystem::remove_all(path, ignored);
}

/// Whether what is open lies at a place.
bool is_same(const File& file, const std::filesystem::path& place)
{
    const auto open = file.status();
    struct ::stat there
    {
    };
    return open && ::lstat(place.c_str(), &there) == 0 && open->st_dev == there.st_dev && open->st_ino == there.st_ino;
}

Refusal internal(std::string text)
{
    return {ErrorCode::image_internal_failure, text, {{"FAIL", text}}};
}

} // namespace

UploadIntake::UploadIntake(std::filesystem::path directory, UploadRules rules, SoftwareModel& model)
    : directory_{std::move(directory)}, rules_{std::move(rules)}, model_{&model}
{
}

Result<void> UploadIntake::prepare()
{
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error)
    {
        return fail(ErrorKind::input_output, "cannot make " + directory_.string() + ": " + error.message());
    }
    std::vector<std::filesystem::path> leftovers;
    for (std::filesystem::directory_iterator entry{directory_, error}, end; !error && entry != end;
         entry.increment(error))
    {
        std::error_code ignored;
        if (entry->path().filename().string().starts_with(aside_prefix))
        {
            leftovers.push_back(entry->path());
        }
        else if (entry->is_regular_file(ignored) && !entry->is_symlink(ignored))
        {
            closed(entry->path().filename().string());
        }
    }
    for (const std::filesystem::path& leftover : leftovers)
    {
        remove_quietly(leftover);
    }
    return error ? Result<void>{fail(ErrorKind::input_output,
                                     "cannot look into " + directory_.string() + ": " + error.message())}
                 : Result<void>{};
}

void UploadIntake::closed(const std::string& name)
{
    const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
    if (!plain)
    {
        return;
    }
    if (waiting_.size() >= most_waiting)
    {
        std::error_code ignored;
        std::filesystem::remove(directory_ / name, ignored);
        reports_.push_back({ErrorCode::busy_failure,
                            "too many uploads wait already; send " + printable(name) + " again later",
                            {{"PATH", printable((directory_ / name).string())}}});
        return;
    }
    waiting_.push_back({name, nullptr});
}

void UploadIntake::add(const std::string& id, std::shared_ptr<const File> descriptor)
{
    waiting_.push_back({id, std::move(descriptor)});
}

void UploadIntake::work()
{
    if (!current_)
    {
        if (!waiting_.empty())
        {
            const Order order = std::move(waiting_.front());
            waiting_.pop_front();
            begin(order);
        }
        return;
    }
    const auto end = current_->inspection.step();
    if (end && !*end)
    {
        return;
    }
    Job job = std::move(*current_);
    current_.reset();
    if (end)
    {
        finish(std::move(job));
        return;
    }
    remove_quietly(job.directory);
    refuse(job.order, end.error());
}

void UploadIntake::begin(const Order& order)
{
    const auto begun = order.descriptor ? inspect(order, {}, order.descriptor) : begin_file(order);
    if (!begun)
    {
        refuse(order, begun.error());
    }
}

/// A refused file goes, whatever it is. One that is gone was taken already: it was closed more than once.
Outcome<void> UploadIntake::begin_file(const Order& order)
{
    const std::filesystem::path upload = directory_ / order.name;
    struct ::stat status
    {
    };
    if (::lstat(upload.c_str(), &status) != 0 && errno == ENOENT)
    {
        return {};
    }
    auto file = open_upload(upload);
    auto aside = file ? put_aside(upload) : Outcome<std::filesystem::path>{file.error()};
    if (!aside)
    {
        ::unlink(upload.c_str());
        return aside.error();
    }
    if (!is_same(*file, *aside / file_name))
    {
        remove_quietly(*aside);
        return internal("another file took the place of " + printable(upload.string()) + " meanwhile");
    }
    return inspect(order, *aside, std::make_shared<const File>(std::move(*file)));
}

/// From here on nobody who writes to the upload directory reaches it by name.
Outcome<std::filesystem::path> UploadIntake::put_aside(const std::filesystem::path& upload) const
{
    std::string pattern = (directory_ / (std::string{aside_prefix} + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr)
    {
        return internal(system_error("make a directory in", directory_).text);
    }
    const std::filesystem::path aside{pattern};
    if (::rename(upload.c_str(), (aside / file_name).c_str()) != 0)
    {
        Refusal refusal = internal(system_error("put aside", upload).text);
        remove_quietly(aside);
        return refusal;
    }
    return aside;
}

Outcome<void> UploadIntake::inspect(Order order, std::filesystem::path directory, std::shared_ptr<const File> file)
{
    const auto status = file->status();
    if (!status || !S_ISREG(status->st_mode) || status->st_size <= 0)
    {
        remove_quietly(directory);
        return Refusal{ErrorCode::untar_failure, "the image is no regular file, or empty"};
    }
    const std::filesystem::path shown = directory.empty() ? std::filesystem::path{order.name} : directory_ / order.name;
    current_.emplace(Job{std::move(order), std::move(directory),
                         UploadInspection{file_source(std::move(file), static_cast<std::uint64_t>(status->st_size)),
                                          rules_, printable(shown.string())}});
    return {};
}

/// Of StartUpdate's images the version itself shows that they are no good.
void UploadIntake::refuse(const Order& order, Refusal refusal)
{
    if (!order.descriptor)
    {
        reports_.push_back(std::move(refusal));
        return;
    }
    refusal.code = ErrorCode::update_invalid_image;
    model_->unusable(order.name, std::move(refusal));
}

void UploadIntake::finish(Job job)
{
    if (job.inspection.remark())
    {
        reports_.push_back(*job.inspection.remark());
    }
    if (job.order.descriptor)
    {
        model_->inspected(job.order.name, job.inspection.facts());
    }
    else if (const auto published = publish(job); !published)
    {
        remove_quietly(job.directory);
        reports_.push_back(published.error());
    }
}

Outcome<void> UploadIntake::publish(const Job& job)
{
    const auto id = model_->choose_id(job.inspection.facts());
    if (!id)
    {
        return id.error();
    }
    const std::filesystem::path place = directory_ / *id;
    remove_quietly(place); // of a version that is not known any more, or a file of this name
    if (::rename(job.directory.c_str(), place.c_str()) != 0)
    {
        return internal(system_error("put in place", place).text);
    }
    model_->publish(*id, job.inspection.facts(), {place, place / file_name, nullptr});
    return {};
}

std::vector<Refusal> UploadIntake::take_reports()
{
    return std::exchange(reports_, {});
}

} // namespace fwupdate::agent::software
