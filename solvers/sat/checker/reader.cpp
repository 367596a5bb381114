#include "reader.hpp"

#include "clauses.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace drat {

namespace {

int keep_open(std::FILE *) {
    return 0;
}

struct Packer {
    std::vector<unsigned char> magic; // with which its files begin, and no formula or proof
    const char *program;
};

const std::vector<Packer> packers = {
    {{0x1f, 0x8b}, "gzip -d"},
    {{0xfd, '7', 'z', 'X', 'Z', 0}, "xz -d"},
    {{'B', 'Z', 'h'}, "bzip2 -d"},
    {{0x28, 0xb5, 0x2f, 0xfd}, "zstd -d"},
};

bool begins_with(std::span<const unsigned char> bytes, const std::vector<unsigned char> &magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
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
    for (const Packer &packer : packers)
        if (begins_with(opening(), packer.magic))
            throw InputError(name_ + ": is compressed: unpack it first, with " + packer.program);
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
        if (value > limit)
            fail_at_line((limit == max_variable ? "a variable is at most " : "a number beyond ") +
                         std::to_string(limit));
    }
    if (peek() != end && peek() != '\n' && !is_blank(peek()))
        fail_at_line("a blank is expected after a number, not " + describe(peek()));
    return negative ? -value : value;
}

} // namespace drat
