#include "transports/usb-mass-storage/bmc/drive_reader.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace fwupdate::usb
{
namespace
{

constexpr std::size_t most_listing = 64 * 1024; ///< bytes of a listing

std::string of(std::uint64_t part, std::uint64_t whole)
{
    return std::to_string(part) + " of " + std::to_string(whole) + " bytes";
}

} // namespace

void DriveReader::begin(int image, DrivePath path, transports::FetchSink& sink)
{
    image_ = image;
    path_ = std::move(path);
    sink_ = &sink;
    size_ = taken_ = 0;
    tell_size();
}

void DriveReader::cancel() noexcept
{
    sink_ = nullptr;
    if (run_)
    {
        run_->cancel();
        run_.reset();
    }
}

void DriveReader::run(std::vector<std::string> argv, std::function<bool(ConstBytes)> output,
                      std::function<void(Result<void>)> finished)
{
    ConfinedProgram program;
    program.argv = std::move(argv);
    program.image = image_;
    program.output = std::move(output);
    program.finished = std::move(finished);
    auto started = ConfinedRun::start(context_, std::move(program));
    if (!started)
    {
        end(started.error());
        return;
    }
    run_ = std::move(*started);
}

void DriveReader::tell_size()
{
    listing_.clear();
    run(
        tools_.tell_size(*path_), [this](ConstBytes bytes) { return keep_listing(bytes); },
        [this](const Result<void>& result) { size_told(result); });
}

bool DriveReader::keep_listing(ConstBytes bytes)
{
    listing_.append(as_text(bytes.first(std::min(bytes.size(), most_listing - listing_.size()))));
    return true;
}

void DriveReader::size_told(const Result<void>& result)
{
    const auto size = result ? size_of_listing(listing_) : std::nullopt;
    if (!size)
    {
        list_root(result ? "it is not one file" : result.error().text);
        return;
    }
    size_ = *size;
    if (const auto expected = sink_->expect(size_, Clock::now()); !expected)
    {
        cancel(); // the sink has said so itself
        return;
    }
    copy();
}

/// A file that can't be found is most often another name: tells which there are.
void DriveReader::list_root(const std::string& failure)
{
    listing_.clear();
    run(
        tools_.list_root(), [this](ConstBytes bytes) { return keep_listing(bytes); },
        [this, failure](const Result<void>& result)
        {
            const std::string names = names_of_listing(listing_);
            end(fail(ErrorKind::not_found, "there is no file \"" + path_->text() + "\" on the drive" +
                                               (!result         ? ", whose file system cannot be read (" + failure + ")"
                                                : names.empty() ? ", it is empty"
                                                                : "; it holds " + names)));
        });
}

void DriveReader::copy()
{
    run(
        tools_.copy_out(*path_), [this](ConstBytes bytes) { return take(bytes); },
        [this](const Result<void>& result) { copied(result); });
}

bool DriveReader::take(ConstBytes bytes)
{
    if (bytes.size() > size_ - taken_)
    {
        end(fail(ErrorKind::integrity, "\"" + path_->text() + "\" is longer than the drive says (" +
                                           std::to_string(size_) + " bytes): its file system is damaged"));
        return false;
    }
    taken_ += bytes.size();
    if (const auto accepted = sink_->accept(bytes, Clock::now()); !accepted)
    {
        cancel();
        return false;
    }
    return sink_ != nullptr;
}

void DriveReader::copied(const Result<void>& result)
{
    if (!result)
    {
        end(fail(result.error().kind, "\"" + path_->text() + "\" on the drive cannot be read, " + of(taken_, size_) +
                                          ": " + result.error().text));
        return;
    }
    if (taken_ != size_)
    {
        end(fail(ErrorKind::integrity, "\"" + path_->text() + "\" ends after " + of(taken_, size_) +
                                           ": the drive's file system is damaged, or it was plugged out while the "
                                           "host still wrote; copy the file again"));
        return;
    }
    end({});
}

void DriveReader::end(Result<void> result)
{
    transports::FetchSink* const sink = std::exchange(sink_, nullptr);
    if (run_)
    {
        run_->cancel();
        run_.reset();
    }
    if (sink != nullptr)
    {
        sink->finished(result ? transports::FetchResult{} : transports::FetchResult{result.error()}, Clock::now());
    }
}

} // namespace fwupdate::usb
