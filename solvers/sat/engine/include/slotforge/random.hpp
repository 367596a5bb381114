// Random: a small generator for policies (SplitMix64, Steele, Lea and Flood, OOPSLA 2014).

#pragma once
#include <cstdint>

namespace slotforge {

class Random {
  public:
    explicit constexpr Random(std::uint64_t seed = 0) : state_(seed) {}

    constexpr std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // Uniform in [0, 1).
    constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    constexpr bool chance(double probability) { return uniform() < probability; }

  private:
    std::uint64_t state_;
};

} // namespace slotforge
