// Input: the bytes of a file, of a compressed file, or of standard input.

#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace slotforge {

class Input {
  public:
    static constexpr int end = -1;

    // "-" is standard input. A name that ends in .gz, .xz, .bz2 or .zst is read through the tool for it.
    // Throws Error when it cannot be opened.
    explicit Input(const std::string &path);
    ~Input();
    Input(const Input &) = delete;
    Input &operator=(const Input &) = delete;

    // The next byte, or end.
    int get() { return at_ != filled_ || fill() ? static_cast<unsigned char>(buffer_[at_++]) : end; }

    // Call after the last byte. Throws Error when the decompressor failed.
    void close();

  private:
    bool fill();
    void decompress(const char *tool);

    std::string path_;
    int descriptor_ = -1;
    pid_t child_ = -1;
    std::string tool_;
    std::vector<char> buffer_;
    std::size_t at_ = 0;
    std::size_t filled_ = 0;
};

} // namespace slotforge
