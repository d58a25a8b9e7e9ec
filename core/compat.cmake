# May one schema take the place of another? Not in the plugin: a tool's question.
nexus_core_library(nexus_compat
    compat.c compat_apply.c compat_array.c compat_bundle.c compat_disjoint.c compat_doc.c compat_facts.c
    compat_make.c compat_make_text.c compat_make_tree.c compat_object.c compat_parts.c
    compat_prove.c compat_regex.c compat_same.c compat_scalar.c compat_search.c compat_string.c)
target_link_libraries(nexus_compat PUBLIC nexus_judge nexus_base PRIVATE m)
