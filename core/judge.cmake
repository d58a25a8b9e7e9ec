# The judge: the strict JSON reader, exact numbers, patterns, formats, JSON Schema.
nexus_core_library(nexus_judge
    json.c json_names.c json_scalar.c json_value.c json_walk.c number.c
    pattern.c pattern_ecma.c regular.c regular_alphabet.c regular_automaton.c regular_codes.c
    regular_parse.c regular_program.c regular_sequence.c regular_simulation.c
    format.c format_net.c format_time.c format_uri.c
    schema_apply.c schema_assert.c schema_check.c schema_compile.c schema_content.c
    schema_dialect.c schema_explain.c schema_fuse.c schema_fused.c schema_fused_lanes.c schema_fused_text.c
    schema_fused_value.c schema_index.c
    schema_items.c schema_keyword.c schema_load.c schema_meta.c schema_meta_earlier.c
    schema_object.c schema_output.c schema_quick.c schema_quick_tape.c schema_site.c schema_table.c schema_trace.c
    schema_uri.c schema_value.c)
target_link_libraries(nexus_judge PUBLIC nexus_base PRIVATE PkgConfig::PCRE2 PkgConfig::IDN2)
# The inner loops keep their state in general registers; packing pairs of it into vector registers
# makes them longer.
set_source_files_properties(json_value.c schema_fused_value.c schema_quick_tape.c
    PROPERTIES COMPILE_OPTIONS -fno-tree-slp-vectorize)
