// From a file that was closed in the upload directory, or a descriptor of StartUpdate, to a version of the model: one
// after the other, in slices.
#pragma once

#include "bmc-agent/software/software_model.hpp"
#include "bmc-agent/software/upload.hpp"

#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fwupdate::agent::software
{

/// An accepted upload NAME is DIRECTORY/ID/image.tar from then on; whatever else was uploaded is gone.
class UploadIntake
{
  public:
    static constexpr std::size_t most_waiting = 64; ///< uploads; what is more is refused

    /// The model outlives the intake.
    UploadIntake(std::filesystem::path directory, UploadRules rules, SoftwareModel& model);

    /// Makes the directory where it is missing, clears away what a stopped agent had begun on, and takes the files that
    /// came while nobody looked. Errors: those of the file system.
    [[nodiscard]] Result<void> prepare();

    /// A file of this name was closed after writing.
    void closed(const std::string& name);

    /// StartUpdate's image for the version `id`.
    void add(const std::string& id, std::shared_ptr<const File> descriptor);

    [[nodiscard]] bool wants_work() const
    {
        return current_.has_value() || !waiting_.empty();
    }

    /// One slice. What comes of it is in the model, or in take_reports().
    void work();
    [[nodiscard]] std::vector<Refusal> take_reports();

  private:
    struct Order
    {
        std::string name;                       ///< of the file; StartUpdate: the version's id
        std::shared_ptr<const File> descriptor; ///< of StartUpdate
    };
    struct Job
    {
        Order order;
        std::filesystem::path directory; ///< where the upload was put aside; empty: StartUpdate's
        UploadInspection inspection;
    };

    void begin(const Order& order);
    [[nodiscard]] Outcome<void> begin_file(const Order& order);
    [[nodiscard]] Outcome<std::filesystem::path> put_aside(const std::filesystem::path& upload) const;
    [[nodiscard]] Outcome<void> inspect(Order order, std::filesystem::path directory, std::shared_ptr<const File> file);
    void refuse(const Order& order, Refusal refusal);
    void finish(Job job);
    [[nodiscard]] Outcome<void> publish(const Job& job);

    std::filesystem::path directory_;
    UploadRules rules_;
    SoftwareModel* model_;
    std::deque<Order> waiting_;
    std::optional<Job> current_;
    std::vector<Refusal> reports_;
};

} // namespace fwupdate::agent::software
