"""What a policy's source may be made of: nodes of the syntax tree, names, and why the usual rest is refused."""

from __future__ import annotations

NODES = frozenset({
    # structure
    "translation_unit", "comment", "struct_specifier", "field_declaration_list", "field_declaration",
    "access_specifier", "enum_specifier", "enumerator_list", "enumerator", "alias_declaration", "function_definition",
    "declaration", "compound_statement", "noexcept",
    # declarators
    "function_declarator", "parameter_list", "parameter_declaration", "optional_parameter_declaration",
    "abstract_function_declarator", "init_declarator", "reference_declarator", "abstract_reference_declarator",
    "structured_binding_declarator", "array_declarator", "type_qualifier", "storage_class_specifier", "operator_name",
    "initializer_list", "initializer_pair", "field_designator", "type_descriptor", "trailing_return_type",
    # types
    "primitive_type", "sized_type_specifier", "type_identifier", "namespace_identifier", "qualified_identifier",
    "nested_namespace_specifier", "template_type", "template_argument_list", "template_function",
    "placeholder_type_specifier", "auto",
    # statements
    "expression_statement", "return_statement", "if_statement", "else_clause", "condition_clause", "init_statement",
    "for_statement", "for_range_loop", "while_statement", "do_statement", "switch_statement", "case_statement",
    "break_statement", "continue_statement",
    # expressions
    "identifier", "field_identifier", "statement_identifier", "number_literal", "true", "false", "binary_expression",
    "unary_expression", "assignment_expression", "update_expression", "conditional_expression", "comma_expression",
    "parenthesized_expression", "call_expression", "argument_list", "field_expression", "subscript_expression",
    "subscript_argument_list", "compound_literal_expression", "lambda_expression", "lambda_capture_specifier",
    "lambda_default_capture", "lambda_declarator", "this",
})  # fmt: skip

KEYWORDS = frozenset({
    "auto", "break", "case", "class", "const", "constexpr", "continue", "default", "do", "else", "enum", "false", "for",
    "if", "inline", "long", "mutable", "noexcept", "operator", "private", "public", "return", "short", "signed",
    "static", "struct", "switch", "this", "true", "unsigned", "using", "while",
})  # fmt: skip

REFUSED = {
    "attribute_declaration": "attributes are not allowed",
    "attribute_specifier": "attributes are not allowed",
    "attributed_statement": "attributes are not allowed",
    "base_class_clause": "a base class is not allowed: write helper member functions",
    "cast_expression": "a C cast is not allowed: write static_cast<double>(x)",
    "char_literal": "characters are not allowed: write a number",
    "class_specifier": "a class is not allowed: write a struct",
    "concatenated_string": "texts are not allowed",
    "delete_expression": "the heap is not allowed: keep state in arithmetic members or std::array",
    "field_initializer_list": "a constructor is not allowed: give members their values where they are declared",
    "friend_declaration": "friends are not allowed",
    "goto_statement": "goto is not allowed: write a loop",
    "gnu_asm_expression": "assembly is not allowed",
    "labeled_statement": "labels are not allowed: write a loop",
    "linkage_specification": "linkage is not allowed",
    "namespace_definition": "namespaces are not allowed: write one struct",
    "new_expression": "the heap is not allowed: keep state in arithmetic members or std::array",
    "null": "pointers are not allowed: use references and values",
    "pointer_declarator": "pointers are not allowed: use references and values",
    "abstract_pointer_declarator": "pointers are not allowed: use references and values",
    "pointer_expression": "pointers are not allowed: use references and values",
    "preproc_call": "directives are not allowed: all that a policy needs is included",
    "preproc_def": "macros are not allowed: write a constexpr member",
    "preproc_function_def": "macros are not allowed: write a member function",
    "preproc_if": "directives are not allowed",
    "preproc_ifdef": "directives are not allowed",
    "preproc_include": "includes are not allowed: all that a policy needs is included",
    "preproc_directive": "directives are not allowed",
    "raw_string_literal": "texts are not allowed",
    "sizeof_expression": "sizeof is not allowed: use size() of the array or span",
    "static_assert_declaration": "static_assert is not allowed: remove it",
    "string_literal": "texts are not allowed",
    "template_declaration": "templates are not allowed: write the function for the type that is needed",
    "throw_statement": "exceptions are not allowed: return a safe value",
    "try_statement": "exceptions are not allowed: return a safe value",
    "type_definition": "typedef is not allowed: write using X = ...",
    "union_specifier": "unions are not allowed: write a struct",
    "using_declaration": "using declarations are not allowed: the names of the slot are visible",
    "user_defined_literal": "user-defined literals are not allowed",
    "virtual": "virtual functions are not allowed",
    "virtual_specifier": "virtual functions are not allowed",
}

INTEGERS = frozenset(f"{sign}int{width}_t" for sign in ("", "u") for width in (8, 16, 32, 64)) | {"size_t", "ptrdiff_t"}

STD = INTEGERS | {
    "abs", "array", "cbrt", "ceil", "clamp", "cos", "exp", "exp2", "fabs", "floor", "fmax", "fmin", "fmod", "hypot",
    "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "lround", "llround", "max", "min", "numeric_limits",
    "pow", "round", "sin", "span", "sqrt", "swap", "tanh", "trunc",
}  # fmt: skip
"""What may follow std::."""

LIMITS = frozenset({"denorm_min", "epsilon", "infinity", "lowest", "max", "min"})
"""What may follow std::numeric_limits<T>::."""

METHODS = frozenset({"back", "chance", "empty", "fill", "front", "next", "size", "uniform"})
"""Member functions of std::array, std::span and Random."""

REFERRING = frozenset({
    "at", "begin", "cbegin", "cend", "crbegin", "crend", "data", "end", "first", "last", "max_size", "rbegin", "rend",
    "size_bytes", "subspan",
})  # fmt: skip
"""The other member functions of std::array and std::span, most of which give pointers; no function may be so called."""

RESERVED = frozenset({"SLOT_PARAM", "std"})
"""What a policy may not call a value of its own."""

TYPES = frozenset({"View", "Average", "Mode", "Random"}) | INTEGERS
"""Types of the engine that every policy may name."""

PLAIN = frozenset({"focused", "luby", "stable", "static_cast", "INFINITY"})
"""Names that every policy may use by themselves."""
