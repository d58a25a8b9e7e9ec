# Ready readings in one message: the format of nexus/_deliver/ and of what two bridges exchange.
nexus_core_library(nexus_batch batch.c crc32c.c)
target_link_libraries(nexus_batch PUBLIC nexus_policy nexus_mqtt nexus_base)
