#include "parse.hpp"

#include <algorithm>

namespace drat {

namespace {

constexpr std::int64_t most_clauses = 99'999'999'999'999'999;

enum class Token { number, letter, end };

// Goes to the next number, or to the next letter that starts a line, over blanks and comment lines.
Token next_token(Reader &reader, bool &line_start) {
    for (;; line_start = true) {
        reader.skip_blanks();
        const int byte = reader.peek();
        if (byte == Reader::end) return Token::end;
        if (is_digit(byte) || byte == '-') return Token::number;
        if (byte == 'c' && line_start)
            reader.skip_line();
        else if (byte != '\n')
            return Token::letter;
        else
            reader.take();
    }
}

[[noreturn]] void fail_at_letter(const Reader &reader, int byte) {
    const std::string shown = byte > ' ' && byte < 127 ? std::string(1, static_cast<char>(byte)) : "unprintable byte";
    reader.fail_at_line("a literal is expected, not '" + shown + "'");
}

} // namespace

void FormulaParser::header() {
    if (header_seen_ || clause_seen_) reader_.fail_at_line("a second or late header 'p cnf'");
    header_seen_ = true;
    for (const char expected : {'p', ' ', 'c', 'n', 'f', ' '}) {
        const bool right = expected == ' ' ? is_blank(reader_.peek()) : reader_.peek() == expected;
        if (!right) reader_.fail_at_line("the header is 'p cnf VARIABLES CLAUSES'");
        if (expected == ' ')
            reader_.skip_blanks();
        else
            reader_.take();
    }
    for (const std::int64_t limit : {std::int64_t{max_variable}, most_clauses}) {
        reader_.skip_blanks();
        if (!is_digit(reader_.peek())) reader_.fail_at_line("the header is 'p cnf VARIABLES CLAUSES'");
        reader_.integer(limit);
    }
    reader_.skip_blanks();
    if (reader_.peek() != '\n' && reader_.peek() != Reader::end)
        reader_.fail_at_line("the header is 'p cnf VARIABLES CLAUSES'");
}

bool FormulaParser::next(std::vector<Lit> &literals) {
    literals.clear();
    for (bool line_start = !clause_seen_;; line_start = false) {
        const Token token = next_token(reader_, line_start);
        const int byte = reader_.peek();
        if (token == Token::end || (byte == '%' && line_start)) {
            if (!literals.empty()) reader_.fail_at_line("the last clause is not ended by 0");
            return false;
        }
        if (token == Token::number) {
            clause_seen_ = true;
            const auto value = static_cast<int>(reader_.integer(max_variable));
            if (value == 0) return true;
            literals.push_back(to_lit(value));
        } else if (byte == 'p' && line_start)
            header();
        else
            fail_at_letter(reader_, byte);
    }
}

ProofParser::ProofParser(const std::string &path, Format format) : reader_(path) {
    const auto opening = reader_.opening();
    binary_ = format == Format::binary;
    if (format == Format::automatic && !opening.empty())
        binary_ = opening[0] == 'a' || (opening[0] == 'd' && std::ranges::find(opening, 0) != opening.end());
}

bool ProofParser::next_text(Line &line) {
    line.literals.clear();
    line.deletion = false;
    for (bool line_start = true, first = true;; line_start = first = false) {
        const Token token = next_token(reader_, line_start);
        if (first) line.number = reader_.line();
        if (token == Token::end) {
            if (!first) reader_.fail_at_line("the last lemma is not ended by 0");
            return false;
        }
        if (token == Token::number) {
            const auto value = static_cast<int>(reader_.integer(max_variable));
            if (value == 0) return true;
            line.literals.push_back(to_lit(value));
        } else if (reader_.peek() == 'd' && first) {
            reader_.take();
            line.deletion = true;
        } else
            fail_at_letter(reader_, reader_.peek());
    }
}

// Reads a variable-length number (7 bits a byte, least first): 2 * variable + sign, as literals are here; 0 is the end.
Lit ProofParser::binary_literal() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        const int byte = reader_.take();
        if (byte == Reader::end) reader_.fail_at_byte("the proof ends within a step");
        value |= static_cast<std::uint64_t>(byte & 127) << shift;
        if (byte >= 128) continue;
        if (value == 1 || value > 2U * max_variable + 1U) break;
        return static_cast<Lit>(value);
    }
    reader_.fail_at_byte("not a literal (a variable is at most " + std::to_string(max_variable) + ")");
}

bool ProofParser::next_binary(Line &line) {
    line.literals.clear();
    const int kind = reader_.take();
    if (kind == Reader::end) return false;
    if (kind != 'a' && kind != 'd') reader_.fail_at_byte("a step starts with 'a' or 'd'");
    line.deletion = kind == 'd';
    line.number = ++steps_;
    while (const Lit lit = binary_literal()) line.literals.push_back(lit);
    return true;
}

} // namespace drat
