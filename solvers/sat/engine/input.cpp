#include "input.hpp"

#include "error.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char **environ;

namespace slotforge {

namespace {

constexpr std::array<std::pair<std::string_view, const char *>, 4> tools{
    {{".gz", "gzip"}, {".xz", "xz"}, {".bz2", "bzip2"}, {".zst", "zstd"}}};

const char *tool_for(std::string_view path) {
    for (const auto &[suffix, tool] : tools)
        if (path.ends_with(suffix)) return tool;
    return nullptr;
}

} // namespace

Input::Input(const std::string &path) : path_(path), buffer_(1 << 16) {
    if (path == "-") {
        descriptor_ = STDIN_FILENO;
        return;
    }
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw Error(path + ": " + std::strerror(errno));
    if (const char *tool = tool_for(path)) decompress(tool);
}

Input::~Input() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
    if (child_ > 0) waitpid(child_, nullptr, 0);
}

// Puts `TOOL -dc` between the file and us, without a shell.
void Input::decompress(const char *tool) {
    tool_ = tool;
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(path_ + ": no pipe: " + std::strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, descriptor_, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string flags = "-dc";
    const std::array<char *, 3> arguments{tool_.data(), flags.data(), nullptr};
    const int failed = posix_spawnp(&child_, tool, &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    ::close(std::exchange(descriptor_, ends[0]));
    if (failed) {
        child_ = -1;
        throw Error(path_ + ": " + tool + " is needed to read this file and cannot be run: " + std::strerror(failed));
    }
}

bool Input::fill() {
    ssize_t got;
    do got = read(descriptor_, buffer_.data(), buffer_.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) throw Error(path_ + ": " + std::strerror(errno));
    at_ = 0;
    filled_ = static_cast<std::size_t>(got);
    return got > 0;
}

void Input::close() {
    if (child_ <= 0) return;
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw Error(path_ + ": " + tool_ + " could not decompress it");
}

} // namespace slotforge
