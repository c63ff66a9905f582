"""Which tables the modules of OpenSIPS work with."""
from __future__ import annotations

OF_MODULES: dict[str, tuple[str, ...]] = {
    "acc": ("acc", "missed_calls"), "alias_db": ("dbaliases",), "auth_db": ("subscriber", "uri"),
    "auth_jwt": ("jwt_profiles", "jwt_secrets"), "avpops": ("usr_preferences",), "b2b_entities": ("b2b_entities",),
    "b2b_logic": ("b2b_logic",), "b2b_sca": ("b2b_sca",), "cachedb_sql": ("cachedb",),
    "call_center": ("cc_flows", "cc_agents", "cc_cdrs", "cc_calls"),
    "carrierroute": ("carrierroute", "carrierfailureroute", "route_tree"), "closeddial": ("closeddial",),
    "clusterer": ("clusterer", "clusterer_bridge"), "config": ("config",), "cpl-c": ("cpl",), "dialog": ("dialog",),
    "dialplan": ("dialplan",), "dispatcher": ("dispatcher",), "domain": ("domain",), "domainpolicy": ("domainpolicy",),
    "drouting": ("dr_gateways", "dr_rules", "dr_carriers", "dr_groups", "dr_partitions"),
    "emergency": ("emergency_routing", "emergency_report", "emergency_service_provider"),
    "fraud_detection": ("fraud_detection",), "freeswitch_scripting": ("freeswitch",), "group": ("grp", "re_grp"),
    "imc": ("imc_rooms", "imc_members"), "janus": ("janus",), "load_balancer": ("load_balancer",), "msilo": ("silo",),
    "pdt": ("pdt",), "permissions": ("address",), "presence": ("presentity", "active_watchers", "watchers"),
    "presence_xcapdiff": ("xcap",), "presence_xml": ("xcap",), "pua": ("pua",), "qrouting": ("qr_profiles",),
    "rate_cacher": ("rc_clients", "rc_vendors", "rc_ratesheets", "rc_demo_ratesheet"),
    "rls": ("rls_presentity", "rls_watchers"),
    "rtpengine": ("rtpengine",), "rtpproxy": ("rtpproxy_sockets",), "proto_smpp": ("smpp",),
    "siptrace": ("sip_trace",), "sockets_mgm": ("sockets",), "speeddial": ("speed_dial",),
    "sqlops": ("usr_preferences",),
    "tcp_mgm": ("tcp_mgm",), "tls_mgm": ("tls_mgm",), "tracer": ("sip_trace",),
    "trie": ("trie_table", "trie_partitions"),
    "uac_registrant": ("registrant",), "uri": ("uri",), "uri_db": ("uri", "subscriber"),
    "userblacklist": ("userblacklist", "globalblacklist"), "usrloc": ("location",),
}
NAMED_IN_ROUTES = {"usrloc": "location"}  # modules whose tables functions name, as save("phones"), and their kind
