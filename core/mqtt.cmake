nexus_core_library(nexus_mqtt mqtt.c mqtt_decode.c mqtt_encode.c)
target_link_libraries(nexus_mqtt PUBLIC nexus_base)
