cdef class Counters:
    cdef public object accepted, connected, refused, unconnected, queue_full, slow, broken, pings

cdef class Settings:
    cdef public dict ports
    cdef public int tos, multicast_ttl, receive_buffer, udp_queue
    cdef public bint mhomed, multicast_loopback, tcp_accept_aliases, tcp_async, tcp_crlf_pingpong, tcp_keepalive
    cdef public double pause, tcp_connect_timeout, tcp_connection_lifetime, tcp_max_message_time, tcp_send_timeout
    cdef public int tcp_max_connections, tcp_max_message_chunks, tcp_max_message, tcp_max_postponed
    cdef public int tcp_keepcount, tcp_keepidle, tcp_keepinterval
