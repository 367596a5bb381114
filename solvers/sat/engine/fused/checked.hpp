// Checked: std::array and std::span as the policies of a fused solver see them, with a check of every index.
//
// The engine's own containers stay unchecked: with -D_GLIBCXX_ASSERTIONS, which plug-ins are compiled with, a fused
// solver takes 3 to 4 % longer.

#pragma once
#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>

namespace slotforge::checked {

constexpr void check(bool inside) {
    if (!inside) [[unlikely]]
        std::abort();
}

template <class T, std::size_t N> struct array : std::array<T, N> {
    static_assert(N > 0, "an array of no elements is of no use");

    constexpr T &operator[](std::size_t i) { return check(i < N), std::array<T, N>::operator[](i); }
    constexpr const T &operator[](std::size_t i) const { return check(i < N), std::array<T, N>::operator[](i); }
};

template <class T, class... U> array(T, U...) -> array<T, 1 + sizeof...(U)>;

template <class T> struct span : std::span<T> {
    using std::span<T>::span;
    constexpr span(std::span<T> other) : std::span<T>(other) {}

    constexpr T &operator[](std::size_t i) const { return check(i < this->size()), std::span<T>::operator[](i); }
    constexpr T &front() const { return (*this)[0]; }
    constexpr T &back() const { return (*this)[this->size() - 1]; }
};

} // namespace slotforge::checked

template <class T, std::size_t N> struct std::tuple_size<slotforge::checked::array<T, N>>
    : std::integral_constant<std::size_t, N> {};

template <std::size_t I, class T, std::size_t N> struct std::tuple_element<I, slotforge::checked::array<T, N>> {
    using type = T;
};

// What `std` means in a policy.
namespace candidate_sources::std {
using namespace ::std;
using slotforge::checked::array;
using slotforge::checked::span;
} // namespace candidate_sources::std
