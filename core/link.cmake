# The link engine: a pure state machine, used by the bridge.
nexus_core_library(nexus_link "${CMAKE_CURRENT_LIST_DIR}/link.c"
                   "${CMAKE_CURRENT_LIST_DIR}/link_single.c"
                   "${CMAKE_CURRENT_LIST_DIR}/link_batch.c" "${CMAKE_CURRENT_LIST_DIR}/ages.c")
target_link_libraries(nexus_link PUBLIC nexus_base)
