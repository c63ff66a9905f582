"""What compiled files call without going through Python."""
from opensips_py.sip._scan cimport Request, Response

cpdef bytes forward_request(Request request, bytes via, str uri=*, tuple edits=*, object outgoing=*,
                            int max_forwards=*, bytes routes=*)
cpdef bytes forward_response(Response response, tuple edits=*, object outgoing=*)
cpdef bytes build_response(Request request, int status, str reason, str to_tag=*, bytes headers=*, bytes body=*,
                           str content_type=*)
