#include "reader.hpp"

#include <cerrno>
#include <cstring>

namespace drat {

namespace {

int keep_open(std::FILE *) {
    return 0;
}

std::string describe(int byte) {
    if (byte == Reader::end) return "the end of the file";
    if (byte > ' ' && byte < 127) return std::string("'") + static_cast<char>(byte) + "'";
    return "byte " + std::to_string(byte);
}

} // namespace

Reader::Reader(const std::string &path)
    : name_(path == "-" ? "<stdin>" : path),
      file_(path == "-" ? stdin : std::fopen(path.c_str(), "rb"), path == "-" ? keep_open : std::fclose) {
    if (!file_) throw InputError(path + ": cannot be opened: " + std::strerror(errno));
}

bool Reader::fill() {
    before_ += filled_;
    place_ = 0;
    filled_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    if (filled_ == 0 && std::ferror(file_.get()) != 0)
        throw InputError(name_ + ": cannot be read: " + std::strerror(errno));
    return filled_ > 0;
}

std::span<const unsigned char> Reader::opening() {
    peek();
    return {buffer_.data(), filled_};
}

void Reader::fail_at_line(const std::string &reason) const {
    throw InputError(name_ + ":" + std::to_string(line_) + ": " + reason);
}

void Reader::fail_at_byte(const std::string &reason) const {
    throw InputError(name_ + ": byte " + std::to_string(before_ + place_) + ": " + reason);
}

void Reader::skip_line() {
    while (peek() != end && peek() != '\n') take();
}

void Reader::skip_blanks() {
    while (is_blank(peek())) take();
}

std::int64_t Reader::integer(std::int64_t limit) {
    const bool negative = peek() == '-';
    if (negative) take();
    if (!is_digit(peek()) || (negative && peek() == '0'))
        fail_at_line("a number is expected, not " + std::string(negative ? "'-' and " : "") + describe(peek()));
    std::int64_t value = 0;
    while (is_digit(peek())) {
        value = value * 10 + (take() - '0');
        if (value > limit) fail_at_line("a number beyond " + std::to_string(limit));
    }
    if (peek() != end && peek() != '\n' && !is_blank(peek()))
        fail_at_line("a blank is expected after a number, not " + describe(peek()));
    return negative ? -value : value;
}

} // namespace drat
