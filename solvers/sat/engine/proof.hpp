// Proof: the clauses that are learned and forgotten, written as DRAT (Wetzler, Heule and Hunt, SAT 2014).

#pragma once
#include "literal.hpp"

#include <span>
#include <vector>

namespace slotforge {

class Proof {
  public:
    enum class Format { text, binary };

    // A proof that nobody wants: add and remove do nothing.
    Proof() = default;

    // Writes to an open file descriptor, which stays the caller's.
    Proof(int descriptor, Format format) : descriptor_(descriptor), format_(format) {}

    explicit operator bool() const { return descriptor_ >= 0; }

    void add(std::span<const Lit> clause) {
        if (*this) write('a', clause);
    }
    void remove(std::span<const Lit> clause) {
        if (*this) write('d', clause);
    }

    // Hands everything to the file. Throws Error when it does not take it.
    void flush();

  private:
    void write(char kind, std::span<const Lit> clause);
    void write_text(char kind, std::span<const Lit> clause);
    void write_binary(char kind, std::span<const Lit> clause);

    int descriptor_ = -1;
    Format format_ = Format::text;
    std::vector<char> buffer_;
};

} // namespace slotforge
