# nexus_net: byte streams, linked by nexusctl too. nexus_session: the event loop and the MQTT
# sessions over it.
find_package(Threads REQUIRED)
add_library(nexus_net STATIC resolve.c net.c net_tls.c)
target_link_libraries(nexus_net PRIVATE nexus_flags PkgConfig::OPENSSL Threads::Threads
                      PUBLIC nexus_base)
target_include_directories(nexus_net INTERFACE "${PROJECT_SOURCE_DIR}")

add_library(nexus_session STATIC
    loop_lws.c conn.c inflight.c inbound.c session.c session_packet.c session_send.c
    session_retry.c session_new.c)
target_link_libraries(nexus_session
    PRIVATE nexus_flags PkgConfig::LWS PkgConfig::OPENSSL Threads::Threads
    PUBLIC nexus_net nexus_mqtt nexus_base)
target_include_directories(nexus_session INTERFACE "${PROJECT_SOURCE_DIR}")
