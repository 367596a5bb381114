// A file as a stream of bytes that knows where it is.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace drat {

// The input cannot be read: "file:line: reason" or "file: byte n: reason".
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Reader {
  public:
    static constexpr int end = -1;

    // Opens a file; "-" is standard input.
    //   Throws InputError when it cannot be opened, or is compressed
    explicit Reader(const std::string &path);

    // The next byte without and with taking it; `end` after the last.
    int peek() { return place_ < filled_ || fill() ? buffer_[place_] : end; }
    int take() {
        const int byte = peek();
        if (byte == end) return end;
        ++place_;
        if (byte == '\n') ++line_;
        return byte;
    }

    // The first bytes of the file, as many as one buffer holds.
    //   Pre: nothing has been taken
    std::span<const unsigned char> opening();

    const std::string &name() const { return name_; }
    std::uint32_t line() const { return line_; }

    // Stop with the present line, or the present byte, and a reason.
    [[noreturn]] void fail_at_line(const std::string &reason) const;
    [[noreturn]] void fail_at_byte(const std::string &reason) const;

    // Takes the rest of the line, without its end.
    void skip_line();

    // Takes blanks other than the end of a line.
    void skip_blanks();

    // Takes a decimal integer with an optional minus and the blank after it.
    //   Pre:  peek() is a digit or '-'
    //   Post: -limit <= result <= limit
    //   Throws InputError for anything else
    std::int64_t integer(std::int64_t limit);

  private:
    bool fill();

    std::string name_;
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> file_;
    std::vector<unsigned char> buffer_ = std::vector<unsigned char>(1U << 16U);
    std::size_t place_ = 0, filled_ = 0;
    std::uint64_t before_ = 0; // bytes of the file before the buffer
    std::uint32_t line_ = 1;
};

constexpr bool is_blank(int byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f';
}
constexpr bool is_digit(int byte) {
    return byte >= '0' && byte <= '9';
}

} // namespace drat
