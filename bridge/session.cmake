# nexus_session: the event loop and the MQTT sessions over it.
find_package(Threads REQUIRED)
add_library(nexus_session STATIC
    loop_lws.c resolve.c net.c net_tls.c conn.c inflight.c session.c session_packet.c session_send.c)
target_link_libraries(nexus_session
    PRIVATE nexus_flags PkgConfig::LWS PkgConfig::OPENSSL Threads::Threads
    PUBLIC nexus_mqtt nexus_base)
target_include_directories(nexus_session INTERFACE "${PROJECT_SOURCE_DIR}")
