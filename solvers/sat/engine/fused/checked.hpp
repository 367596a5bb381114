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

// An aggregate of one member, as std::array is, so that it takes the same values in braces.
template <class T, std::size_t N> struct array {
    static_assert(N > 0, "an array of no elements is of no use");

    constexpr T &operator[](std::size_t i) { return check(i < N), elements[i]; }
    constexpr const T &operator[](std::size_t i) const { return check(i < N), elements[i]; }
    constexpr T &front() { return elements[0]; }
    constexpr const T &front() const { return elements[0]; }
    constexpr T &back() { return elements[N - 1]; }
    constexpr const T &back() const { return elements[N - 1]; }
    constexpr T *begin() { return elements; }
    constexpr const T *begin() const { return elements; }
    constexpr T *end() { return elements + N; }
    constexpr const T *end() const { return elements + N; }
    constexpr std::size_t size() const { return N; }
    constexpr bool empty() const { return false; }
    constexpr void fill(const T &value) {
        for (T &element : elements) element = value;
    }
    bool operator==(const array &) const = default;

    T elements[N];
};

template <class T, class... U> array(T, U...) -> array<T, 1 + sizeof...(U)>;

template <std::size_t I, class T, std::size_t N> constexpr T &get(array<T, N> &of) {
    return of.elements[I];
}

template <std::size_t I, class T, std::size_t N> constexpr const T &get(const array<T, N> &of) {
    return of.elements[I];
}

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
