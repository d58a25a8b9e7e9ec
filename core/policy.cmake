# Topics, configuration, rights.
nexus_core_library(nexus_policy topic.c config.c config_city.c identity.c policy.c rights.c)
target_link_libraries(nexus_policy PUBLIC nexus_judge nexus_base)
