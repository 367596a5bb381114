#include "proof.hpp"

#include "error.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <unistd.h>

namespace slotforge {

namespace {
constexpr std::size_t full_buffer = 1 << 16;
}

void Proof::write(char kind, std::span<const Lit> clause) {
    if (format_ == Format::binary)
        write_binary(kind, clause);
    else
        write_text(kind, clause);
    if (buffer_.size() >= full_buffer) flush();
}

void Proof::write_text(char kind, std::span<const Lit> clause) {
    std::array<char, 16> digits;
    if (kind == 'd') buffer_.insert(buffer_.end(), {'d', ' '});
    for (const Lit lit : clause) {
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), to_dimacs(lit)).ptr;
        buffer_.insert(buffer_.end(), digits.data(), end);
        buffer_.push_back(' ');
    }
    buffer_.insert(buffer_.end(), {'0', '\n'});
}

// Literal v of DIMACS is 2v, -v is 2v + 1, in groups of seven bits, the lowest first; zero ends the clause.
void Proof::write_binary(char kind, std::span<const Lit> clause) {
    buffer_.push_back(kind);
    for (const Lit lit : clause) {
        std::uint32_t number = lit + 2;
        for (; number > 127; number >>= 7) buffer_.push_back(static_cast<char>((number & 127) | 128));
        buffer_.push_back(static_cast<char>(number));
    }
    buffer_.push_back(0);
}

void Proof::flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
        const ssize_t written = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Error(std::string("the proof cannot be written: ") + std::strerror(errno));
        done += static_cast<std::size_t>(written);
    }
    buffer_.clear();
}

} // namespace slotforge
