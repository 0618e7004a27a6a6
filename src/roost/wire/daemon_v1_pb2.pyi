from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequestType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUEST_TYPE_UNSPECIFIED: _ClassVar[RequestType]
    REQUEST_TYPE_REGISTER: _ClassVar[RequestType]
    REQUEST_TYPE_UNREGISTER: _ClassVar[RequestType]
    REQUEST_TYPE_SPAWN_DAEMON: _ClassVar[RequestType]
    REQUEST_TYPE_LIST_ACTIVE: _ClassVar[RequestType]
    REQUEST_TYPE_LIST_BY_ORIGINATOR: _ClassVar[RequestType]
    REQUEST_TYPE_GET_PROCESS_TREE: _ClassVar[RequestType]
    REQUEST_TYPE_KILL_ZOMBIES: _ClassVar[RequestType]
    REQUEST_TYPE_KILL_TREE: _ClassVar[RequestType]
    REQUEST_TYPE_PING: _ClassVar[RequestType]
    REQUEST_TYPE_SHUTDOWN: _ClassVar[RequestType]
    REQUEST_TYPE_STATUS: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_START: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_STOP: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_RESTART: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_DELETE: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_LIST: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_DESCRIBE: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_LOGS: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_FLUSH: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_SAVE: _ClassVar[RequestType]
    REQUEST_TYPE_SERVICE_RESURRECT: _ClassVar[RequestType]
    REQUEST_TYPE_SPAWN_PTY_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_ATTACH_PTY_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_DETACH_PTY_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_LIST_PTY_SESSIONS: _ClassVar[RequestType]
    REQUEST_TYPE_TERMINATE_PTY_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_SPAWN_PIPE_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_ATTACH_PIPE_STREAM: _ClassVar[RequestType]
    REQUEST_TYPE_DETACH_PIPE_STREAM: _ClassVar[RequestType]
    REQUEST_TYPE_LIST_PIPE_SESSIONS: _ClassVar[RequestType]
    REQUEST_TYPE_TERMINATE_PIPE_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_WRITE_PIPE_STDIN: _ClassVar[RequestType]
    REQUEST_TYPE_GET_SESSION_BACKLOG: _ClassVar[RequestType]
    REQUEST_TYPE_PURGE_EXITED_SESSIONS: _ClassVar[RequestType]
    REQUEST_TYPE_BULK_TERMINATE_SESSIONS: _ClassVar[RequestType]
    REQUEST_TYPE_RESIZE_PTY_SESSION: _ClassVar[RequestType]
    REQUEST_TYPE_REGISTER_SESSION_TEE: _ClassVar[RequestType]
    REQUEST_TYPE_UNREGISTER_SESSION_TEE: _ClassVar[RequestType]
    REQUEST_TYPE_GET_SESSION_TEE_STATUS: _ClassVar[RequestType]
    REQUEST_TYPE_REGISTER_SESSION_OBSERVER: _ClassVar[RequestType]
    REQUEST_TYPE_UNREGISTER_SESSION_OBSERVER: _ClassVar[RequestType]
    REQUEST_TYPE_GET_SESSION_OBSERVER_STATUS: _ClassVar[RequestType]
    REQUEST_TYPE_ROOST_CALL: _ClassVar[RequestType]

class StatusCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_CODE_OK: _ClassVar[StatusCode]
    STATUS_CODE_ERROR: _ClassVar[StatusCode]
    STATUS_CODE_UNKNOWN_REQUEST: _ClassVar[StatusCode]
    STATUS_CODE_INVALID_ARGUMENT: _ClassVar[StatusCode]
    STATUS_CODE_NOT_FOUND: _ClassVar[StatusCode]
    STATUS_CODE_INTERNAL: _ClassVar[StatusCode]
    STATUS_CODE_UNAVAILABLE: _ClassVar[StatusCode]
    STATUS_CODE_VERSION_MISMATCH: _ClassVar[StatusCode]
    STATUS_CODE_RATE_LIMITED: _ClassVar[StatusCode]
    STATUS_CODE_UNIMPLEMENTED: _ClassVar[StatusCode]
    STATUS_CODE_ALREADY_ATTACHED: _ClassVar[StatusCode]

class ProcessState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROCESS_STATE_UNKNOWN: _ClassVar[ProcessState]
    PROCESS_STATE_ALIVE: _ClassVar[ProcessState]
    PROCESS_STATE_DEAD: _ClassVar[ProcessState]
    PROCESS_STATE_ZOMBIE: _ClassVar[ProcessState]

class GraphicsProtocol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRAPHICS_PROTOCOL_UNSPECIFIED: _ClassVar[GraphicsProtocol]
    GRAPHICS_PROTOCOL_SIXEL: _ClassVar[GraphicsProtocol]
    GRAPHICS_PROTOCOL_KITTY: _ClassVar[GraphicsProtocol]
    GRAPHICS_PROTOCOL_ITERM2_FILE: _ClassVar[GraphicsProtocol]

class CapabilityStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_STATUS_UNSPECIFIED: _ClassVar[CapabilityStatus]
    CAPABILITY_STATUS_SUPPORTED: _ClassVar[CapabilityStatus]
    CAPABILITY_STATUS_UNSUPPORTED: _ClassVar[CapabilityStatus]
    CAPABILITY_STATUS_UNKNOWN: _ClassVar[CapabilityStatus]
    CAPABILITY_STATUS_BLOCKED: _ClassVar[CapabilityStatus]

class EvidenceStrength(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_STRENGTH_UNSPECIFIED: _ClassVar[EvidenceStrength]
    EVIDENCE_STRENGTH_PROBE: _ClassVar[EvidenceStrength]
    EVIDENCE_STRENGTH_STRONG_HOST_SIGNAL: _ClassVar[EvidenceStrength]
    EVIDENCE_STRENGTH_TERMINFO: _ClassVar[EvidenceStrength]
    EVIDENCE_STRENGTH_WEAK_ENV: _ClassVar[EvidenceStrength]
    EVIDENCE_STRENGTH_USER_OVERRIDE: _ClassVar[EvidenceStrength]

class EnvironmentPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENVIRONMENT_POLICY_UNSPECIFIED: _ClassVar[EnvironmentPolicy]
    ENVIRONMENT_POLICY_INHERIT: _ClassVar[EnvironmentPolicy]
    ENVIRONMENT_POLICY_USER_BASELINE: _ClassVar[EnvironmentPolicy]
    ENVIRONMENT_POLICY_CLEAR: _ClassVar[EnvironmentPolicy]

class PipeStreamKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIPE_STREAM_KIND_UNSPECIFIED: _ClassVar[PipeStreamKind]
    PIPE_STREAM_KIND_STDOUT: _ClassVar[PipeStreamKind]
    PIPE_STREAM_KIND_STDERR: _ClassVar[PipeStreamKind]

class TerminationOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TERMINATION_OUTCOME_UNSPECIFIED: _ClassVar[TerminationOutcome]
    TERMINATION_OUTCOME_NATURAL_EXIT: _ClassVar[TerminationOutcome]
    TERMINATION_OUTCOME_SOFT_EXIT: _ClassVar[TerminationOutcome]
    TERMINATION_OUTCOME_HARD_KILLED: _ClassVar[TerminationOutcome]

class TeeSessionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEE_SESSION_KIND_UNSPECIFIED: _ClassVar[TeeSessionKind]
    TEE_SESSION_KIND_PTY: _ClassVar[TeeSessionKind]
    TEE_SESSION_KIND_PIPE: _ClassVar[TeeSessionKind]

class TeeStreamKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEE_STREAM_KIND_UNSPECIFIED: _ClassVar[TeeStreamKind]
    TEE_STREAM_KIND_PTY_OUTPUT: _ClassVar[TeeStreamKind]
    TEE_STREAM_KIND_STDOUT: _ClassVar[TeeStreamKind]
    TEE_STREAM_KIND_STDERR: _ClassVar[TeeStreamKind]
    TEE_STREAM_KIND_STDIN: _ClassVar[TeeStreamKind]

class TeeSinkKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEE_SINK_KIND_UNSPECIFIED: _ClassVar[TeeSinkKind]
    TEE_SINK_KIND_FILE: _ClassVar[TeeSinkKind]

class TeeFileMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEE_FILE_MODE_APPEND: _ClassVar[TeeFileMode]
    TEE_FILE_MODE_TRUNCATE: _ClassVar[TeeFileMode]

class TeeBackpressure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEE_BACKPRESSURE_DROP_OLDEST: _ClassVar[TeeBackpressure]
    TEE_BACKPRESSURE_BLOCK: _ClassVar[TeeBackpressure]

class ObserverSessionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBSERVER_SESSION_KIND_UNSPECIFIED: _ClassVar[ObserverSessionKind]
    OBSERVER_SESSION_KIND_PTY: _ClassVar[ObserverSessionKind]
    OBSERVER_SESSION_KIND_PIPE: _ClassVar[ObserverSessionKind]

class ObserverEventCategory(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBSERVER_EVENT_CATEGORY_LIFECYCLE: _ClassVar[ObserverEventCategory]
    OBSERVER_EVENT_CATEGORY_FILE: _ClassVar[ObserverEventCategory]
    OBSERVER_EVENT_CATEGORY_NETWORK: _ClassVar[ObserverEventCategory]
    OBSERVER_EVENT_CATEGORY_PROCESS: _ClassVar[ObserverEventCategory]

class ObserverBackpressure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBSERVER_BACKPRESSURE_DROP_OLDEST: _ClassVar[ObserverBackpressure]
    OBSERVER_BACKPRESSURE_BLOCK: _ClassVar[ObserverBackpressure]
REQUEST_TYPE_UNSPECIFIED: RequestType
REQUEST_TYPE_REGISTER: RequestType
REQUEST_TYPE_UNREGISTER: RequestType
REQUEST_TYPE_SPAWN_DAEMON: RequestType
REQUEST_TYPE_LIST_ACTIVE: RequestType
REQUEST_TYPE_LIST_BY_ORIGINATOR: RequestType
REQUEST_TYPE_GET_PROCESS_TREE: RequestType
REQUEST_TYPE_KILL_ZOMBIES: RequestType
REQUEST_TYPE_KILL_TREE: RequestType
REQUEST_TYPE_PING: RequestType
REQUEST_TYPE_SHUTDOWN: RequestType
REQUEST_TYPE_STATUS: RequestType
REQUEST_TYPE_SERVICE_START: RequestType
REQUEST_TYPE_SERVICE_STOP: RequestType
REQUEST_TYPE_SERVICE_RESTART: RequestType
REQUEST_TYPE_SERVICE_DELETE: RequestType
REQUEST_TYPE_SERVICE_LIST: RequestType
REQUEST_TYPE_SERVICE_DESCRIBE: RequestType
REQUEST_TYPE_SERVICE_LOGS: RequestType
REQUEST_TYPE_SERVICE_FLUSH: RequestType
REQUEST_TYPE_SERVICE_SAVE: RequestType
REQUEST_TYPE_SERVICE_RESURRECT: RequestType
REQUEST_TYPE_SPAWN_PTY_SESSION: RequestType
REQUEST_TYPE_ATTACH_PTY_SESSION: RequestType
REQUEST_TYPE_DETACH_PTY_SESSION: RequestType
REQUEST_TYPE_LIST_PTY_SESSIONS: RequestType
REQUEST_TYPE_TERMINATE_PTY_SESSION: RequestType
REQUEST_TYPE_SPAWN_PIPE_SESSION: RequestType
REQUEST_TYPE_ATTACH_PIPE_STREAM: RequestType
REQUEST_TYPE_DETACH_PIPE_STREAM: RequestType
REQUEST_TYPE_LIST_PIPE_SESSIONS: RequestType
REQUEST_TYPE_TERMINATE_PIPE_SESSION: RequestType
REQUEST_TYPE_WRITE_PIPE_STDIN: RequestType
REQUEST_TYPE_GET_SESSION_BACKLOG: RequestType
REQUEST_TYPE_PURGE_EXITED_SESSIONS: RequestType
REQUEST_TYPE_BULK_TERMINATE_SESSIONS: RequestType
REQUEST_TYPE_RESIZE_PTY_SESSION: RequestType
REQUEST_TYPE_REGISTER_SESSION_TEE: RequestType
REQUEST_TYPE_UNREGISTER_SESSION_TEE: RequestType
REQUEST_TYPE_GET_SESSION_TEE_STATUS: RequestType
REQUEST_TYPE_REGISTER_SESSION_OBSERVER: RequestType
REQUEST_TYPE_UNREGISTER_SESSION_OBSERVER: RequestType
REQUEST_TYPE_GET_SESSION_OBSERVER_STATUS: RequestType
REQUEST_TYPE_ROOST_CALL: RequestType
STATUS_CODE_OK: StatusCode
STATUS_CODE_ERROR: StatusCode
STATUS_CODE_UNKNOWN_REQUEST: StatusCode
STATUS_CODE_INVALID_ARGUMENT: StatusCode
STATUS_CODE_NOT_FOUND: StatusCode
STATUS_CODE_INTERNAL: StatusCode
STATUS_CODE_UNAVAILABLE: StatusCode
STATUS_CODE_VERSION_MISMATCH: StatusCode
STATUS_CODE_RATE_LIMITED: StatusCode
STATUS_CODE_UNIMPLEMENTED: StatusCode
STATUS_CODE_ALREADY_ATTACHED: StatusCode
PROCESS_STATE_UNKNOWN: ProcessState
PROCESS_STATE_ALIVE: ProcessState
PROCESS_STATE_DEAD: ProcessState
PROCESS_STATE_ZOMBIE: ProcessState
GRAPHICS_PROTOCOL_UNSPECIFIED: GraphicsProtocol
GRAPHICS_PROTOCOL_SIXEL: GraphicsProtocol
GRAPHICS_PROTOCOL_KITTY: GraphicsProtocol
GRAPHICS_PROTOCOL_ITERM2_FILE: GraphicsProtocol
CAPABILITY_STATUS_UNSPECIFIED: CapabilityStatus
CAPABILITY_STATUS_SUPPORTED: CapabilityStatus
CAPABILITY_STATUS_UNSUPPORTED: CapabilityStatus
CAPABILITY_STATUS_UNKNOWN: CapabilityStatus
CAPABILITY_STATUS_BLOCKED: CapabilityStatus
EVIDENCE_STRENGTH_UNSPECIFIED: EvidenceStrength
EVIDENCE_STRENGTH_PROBE: EvidenceStrength
EVIDENCE_STRENGTH_STRONG_HOST_SIGNAL: EvidenceStrength
EVIDENCE_STRENGTH_TERMINFO: EvidenceStrength
EVIDENCE_STRENGTH_WEAK_ENV: EvidenceStrength
EVIDENCE_STRENGTH_USER_OVERRIDE: EvidenceStrength
ENVIRONMENT_POLICY_UNSPECIFIED: EnvironmentPolicy
ENVIRONMENT_POLICY_INHERIT: EnvironmentPolicy
ENVIRONMENT_POLICY_USER_BASELINE: EnvironmentPolicy
ENVIRONMENT_POLICY_CLEAR: EnvironmentPolicy
PIPE_STREAM_KIND_UNSPECIFIED: PipeStreamKind
PIPE_STREAM_KIND_STDOUT: PipeStreamKind
PIPE_STREAM_KIND_STDERR: PipeStreamKind
TERMINATION_OUTCOME_UNSPECIFIED: TerminationOutcome
TERMINATION_OUTCOME_NATURAL_EXIT: TerminationOutcome
TERMINATION_OUTCOME_SOFT_EXIT: TerminationOutcome
TERMINATION_OUTCOME_HARD_KILLED: TerminationOutcome
TEE_SESSION_KIND_UNSPECIFIED: TeeSessionKind
TEE_SESSION_KIND_PTY: TeeSessionKind
TEE_SESSION_KIND_PIPE: TeeSessionKind
TEE_STREAM_KIND_UNSPECIFIED: TeeStreamKind
TEE_STREAM_KIND_PTY_OUTPUT: TeeStreamKind
TEE_STREAM_KIND_STDOUT: TeeStreamKind
TEE_STREAM_KIND_STDERR: TeeStreamKind
TEE_STREAM_KIND_STDIN: TeeStreamKind
TEE_SINK_KIND_UNSPECIFIED: TeeSinkKind
TEE_SINK_KIND_FILE: TeeSinkKind
TEE_FILE_MODE_APPEND: TeeFileMode
TEE_FILE_MODE_TRUNCATE: TeeFileMode
TEE_BACKPRESSURE_DROP_OLDEST: TeeBackpressure
TEE_BACKPRESSURE_BLOCK: TeeBackpressure
OBSERVER_SESSION_KIND_UNSPECIFIED: ObserverSessionKind
OBSERVER_SESSION_KIND_PTY: ObserverSessionKind
OBSERVER_SESSION_KIND_PIPE: ObserverSessionKind
OBSERVER_EVENT_CATEGORY_LIFECYCLE: ObserverEventCategory
OBSERVER_EVENT_CATEGORY_FILE: ObserverEventCategory
OBSERVER_EVENT_CATEGORY_NETWORK: ObserverEventCategory
OBSERVER_EVENT_CATEGORY_PROCESS: ObserverEventCategory
OBSERVER_BACKPRESSURE_DROP_OLDEST: ObserverBackpressure
OBSERVER_BACKPRESSURE_BLOCK: ObserverBackpressure

class DaemonRequest(_message.Message):
    __slots__ = ("id", "type", "protocol_version", "client_name", "register", "unregister", "spawn_daemon", "list_active", "list_by_originator", "get_process_tree", "kill_zombies", "kill_tree", "ping", "shutdown", "status", "service_start", "service_stop", "service_restart", "service_delete", "service_list", "service_describe", "service_logs", "service_flush", "service_save", "service_resurrect", "spawn_pty_session", "attach_pty_session", "detach_pty_session", "list_pty_sessions", "terminate_pty_session", "spawn_pipe_session", "attach_pipe_stream", "detach_pipe_stream", "list_pipe_sessions", "terminate_pipe_session", "write_pipe_stdin", "get_session_backlog", "purge_exited_sessions", "bulk_terminate_sessions", "resize_pty_session", "register_session_tee", "unregister_session_tee", "get_session_tee_status", "register_session_observer", "unregister_session_observer", "get_session_observer_status", "roost")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_FIELD_NUMBER: _ClassVar[int]
    SPAWN_DAEMON_FIELD_NUMBER: _ClassVar[int]
    LIST_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    LIST_BY_ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GET_PROCESS_TREE_FIELD_NUMBER: _ClassVar[int]
    KILL_ZOMBIES_FIELD_NUMBER: _ClassVar[int]
    KILL_TREE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_START_FIELD_NUMBER: _ClassVar[int]
    SERVICE_STOP_FIELD_NUMBER: _ClassVar[int]
    SERVICE_RESTART_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DELETE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DESCRIBE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LOGS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FLUSH_FIELD_NUMBER: _ClassVar[int]
    SERVICE_SAVE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_RESURRECT_FIELD_NUMBER: _ClassVar[int]
    SPAWN_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    ATTACH_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    DETACH_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    LIST_PTY_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TERMINATE_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    SPAWN_PIPE_SESSION_FIELD_NUMBER: _ClassVar[int]
    ATTACH_PIPE_STREAM_FIELD_NUMBER: _ClassVar[int]
    DETACH_PIPE_STREAM_FIELD_NUMBER: _ClassVar[int]
    LIST_PIPE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TERMINATE_PIPE_SESSION_FIELD_NUMBER: _ClassVar[int]
    WRITE_PIPE_STDIN_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    PURGE_EXITED_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    BULK_TERMINATE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    RESIZE_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    REGISTER_SESSION_TEE_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_SESSION_TEE_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_TEE_STATUS_FIELD_NUMBER: _ClassVar[int]
    REGISTER_SESSION_OBSERVER_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_SESSION_OBSERVER_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_OBSERVER_STATUS_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    id: int
    type: RequestType
    protocol_version: int
    client_name: str
    register: RegisterRequest
    unregister: UnregisterRequest
    spawn_daemon: SpawnDaemonRequest
    list_active: ListActiveRequest
    list_by_originator: ListByOriginatorRequest
    get_process_tree: GetProcessTreeRequest
    kill_zombies: KillZombiesRequest
    kill_tree: KillTreeRequest
    ping: PingRequest
    shutdown: ShutdownRequest
    status: StatusRequest
    service_start: ServiceStartRequest
    service_stop: ServiceStopRequest
    service_restart: ServiceRestartRequest
    service_delete: ServiceDeleteRequest
    service_list: ServiceListRequest
    service_describe: ServiceDescribeRequest
    service_logs: ServiceLogsRequest
    service_flush: ServiceFlushRequest
    service_save: ServiceSaveRequest
    service_resurrect: ServiceResurrectRequest
    spawn_pty_session: SpawnPtySessionRequest
    attach_pty_session: AttachPtySessionRequest
    detach_pty_session: DetachPtySessionRequest
    list_pty_sessions: ListPtySessionsRequest
    terminate_pty_session: TerminatePtySessionRequest
    spawn_pipe_session: SpawnPipeSessionRequest
    attach_pipe_stream: AttachPipeStreamRequest
    detach_pipe_stream: DetachPipeStreamRequest
    list_pipe_sessions: ListPipeSessionsRequest
    terminate_pipe_session: TerminatePipeSessionRequest
    write_pipe_stdin: WritePipeStdinRequest
    get_session_backlog: GetSessionBacklogRequest
    purge_exited_sessions: PurgeExitedSessionsRequest
    bulk_terminate_sessions: BulkTerminateSessionsRequest
    resize_pty_session: ResizePtySessionRequest
    register_session_tee: RegisterSessionTeeRequest
    unregister_session_tee: UnregisterSessionTeeRequest
    get_session_tee_status: GetSessionTeeStatusRequest
    register_session_observer: RegisterSessionObserverRequest
    unregister_session_observer: UnregisterSessionObserverRequest
    get_session_observer_status: GetSessionObserverStatusRequest
    roost: RoostCall
    def __init__(self, id: _Optional[int] = ..., type: _Optional[_Union[RequestType, str]] = ..., protocol_version: _Optional[int] = ..., client_name: _Optional[str] = ..., register: _Optional[_Union[RegisterRequest, _Mapping]] = ..., unregister: _Optional[_Union[UnregisterRequest, _Mapping]] = ..., spawn_daemon: _Optional[_Union[SpawnDaemonRequest, _Mapping]] = ..., list_active: _Optional[_Union[ListActiveRequest, _Mapping]] = ..., list_by_originator: _Optional[_Union[ListByOriginatorRequest, _Mapping]] = ..., get_process_tree: _Optional[_Union[GetProcessTreeRequest, _Mapping]] = ..., kill_zombies: _Optional[_Union[KillZombiesRequest, _Mapping]] = ..., kill_tree: _Optional[_Union[KillTreeRequest, _Mapping]] = ..., ping: _Optional[_Union[PingRequest, _Mapping]] = ..., shutdown: _Optional[_Union[ShutdownRequest, _Mapping]] = ..., status: _Optional[_Union[StatusRequest, _Mapping]] = ..., service_start: _Optional[_Union[ServiceStartRequest, _Mapping]] = ..., service_stop: _Optional[_Union[ServiceStopRequest, _Mapping]] = ..., service_restart: _Optional[_Union[ServiceRestartRequest, _Mapping]] = ..., service_delete: _Optional[_Union[ServiceDeleteRequest, _Mapping]] = ..., service_list: _Optional[_Union[ServiceListRequest, _Mapping]] = ..., service_describe: _Optional[_Union[ServiceDescribeRequest, _Mapping]] = ..., service_logs: _Optional[_Union[ServiceLogsRequest, _Mapping]] = ..., service_flush: _Optional[_Union[ServiceFlushRequest, _Mapping]] = ..., service_save: _Optional[_Union[ServiceSaveRequest, _Mapping]] = ..., service_resurrect: _Optional[_Union[ServiceResurrectRequest, _Mapping]] = ..., spawn_pty_session: _Optional[_Union[SpawnPtySessionRequest, _Mapping]] = ..., attach_pty_session: _Optional[_Union[AttachPtySessionRequest, _Mapping]] = ..., detach_pty_session: _Optional[_Union[DetachPtySessionRequest, _Mapping]] = ..., list_pty_sessions: _Optional[_Union[ListPtySessionsRequest, _Mapping]] = ..., terminate_pty_session: _Optional[_Union[TerminatePtySessionRequest, _Mapping]] = ..., spawn_pipe_session: _Optional[_Union[SpawnPipeSessionRequest, _Mapping]] = ..., attach_pipe_stream: _Optional[_Union[AttachPipeStreamRequest, _Mapping]] = ..., detach_pipe_stream: _Optional[_Union[DetachPipeStreamRequest, _Mapping]] = ..., list_pipe_sessions: _Optional[_Union[ListPipeSessionsRequest, _Mapping]] = ..., terminate_pipe_session: _Optional[_Union[TerminatePipeSessionRequest, _Mapping]] = ..., write_pipe_stdin: _Optional[_Union[WritePipeStdinRequest, _Mapping]] = ..., get_session_backlog: _Optional[_Union[GetSessionBacklogRequest, _Mapping]] = ..., purge_exited_sessions: _Optional[_Union[PurgeExitedSessionsRequest, _Mapping]] = ..., bulk_terminate_sessions: _Optional[_Union[BulkTerminateSessionsRequest, _Mapping]] = ..., resize_pty_session: _Optional[_Union[ResizePtySessionRequest, _Mapping]] = ..., register_session_tee: _Optional[_Union[RegisterSessionTeeRequest, _Mapping]] = ..., unregister_session_tee: _Optional[_Union[UnregisterSessionTeeRequest, _Mapping]] = ..., get_session_tee_status: _Optional[_Union[GetSessionTeeStatusRequest, _Mapping]] = ..., register_session_observer: _Optional[_Union[RegisterSessionObserverRequest, _Mapping]] = ..., unregister_session_observer: _Optional[_Union[UnregisterSessionObserverRequest, _Mapping]] = ..., get_session_observer_status: _Optional[_Union[GetSessionObserverStatusRequest, _Mapping]] = ..., roost: _Optional[_Union[RoostCall, _Mapping]] = ...) -> None: ...

class DaemonResponse(_message.Message):
    __slots__ = ("request_id", "code", "message", "register", "unregister", "spawn_daemon", "list_active", "list_by_originator", "get_process_tree", "kill_zombies", "kill_tree", "ping", "shutdown", "status", "service_start", "service_stop", "service_restart", "service_delete", "service_list", "service_describe", "service_logs", "service_flush", "service_save", "service_resurrect", "spawn_pty_session", "attach_pty_session", "detach_pty_session", "list_pty_sessions", "terminate_pty_session", "spawn_pipe_session", "attach_pipe_stream", "detach_pipe_stream", "list_pipe_sessions", "terminate_pipe_session", "write_pipe_stdin", "get_session_backlog", "purge_exited_sessions", "bulk_terminate_sessions", "resize_pty_session", "register_session_tee", "unregister_session_tee", "get_session_tee_status", "register_session_observer", "unregister_session_observer", "get_session_observer_status", "roost")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_FIELD_NUMBER: _ClassVar[int]
    SPAWN_DAEMON_FIELD_NUMBER: _ClassVar[int]
    LIST_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    LIST_BY_ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GET_PROCESS_TREE_FIELD_NUMBER: _ClassVar[int]
    KILL_ZOMBIES_FIELD_NUMBER: _ClassVar[int]
    KILL_TREE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_START_FIELD_NUMBER: _ClassVar[int]
    SERVICE_STOP_FIELD_NUMBER: _ClassVar[int]
    SERVICE_RESTART_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DELETE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    SERVICE_DESCRIBE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_LOGS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FLUSH_FIELD_NUMBER: _ClassVar[int]
    SERVICE_SAVE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_RESURRECT_FIELD_NUMBER: _ClassVar[int]
    SPAWN_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    ATTACH_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    DETACH_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    LIST_PTY_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TERMINATE_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    SPAWN_PIPE_SESSION_FIELD_NUMBER: _ClassVar[int]
    ATTACH_PIPE_STREAM_FIELD_NUMBER: _ClassVar[int]
    DETACH_PIPE_STREAM_FIELD_NUMBER: _ClassVar[int]
    LIST_PIPE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TERMINATE_PIPE_SESSION_FIELD_NUMBER: _ClassVar[int]
    WRITE_PIPE_STDIN_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    PURGE_EXITED_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    BULK_TERMINATE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    RESIZE_PTY_SESSION_FIELD_NUMBER: _ClassVar[int]
    REGISTER_SESSION_TEE_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_SESSION_TEE_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_TEE_STATUS_FIELD_NUMBER: _ClassVar[int]
    REGISTER_SESSION_OBSERVER_FIELD_NUMBER: _ClassVar[int]
    UNREGISTER_SESSION_OBSERVER_FIELD_NUMBER: _ClassVar[int]
    GET_SESSION_OBSERVER_STATUS_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    code: StatusCode
    message: str
    register: RegisterResponse
    unregister: UnregisterResponse
    spawn_daemon: SpawnDaemonResponse
    list_active: ListActiveResponse
    list_by_originator: ListByOriginatorResponse
    get_process_tree: GetProcessTreeResponse
    kill_zombies: KillZombiesResponse
    kill_tree: KillTreeResponse
    ping: PingResponse
    shutdown: ShutdownResponse
    status: StatusResponse
    service_start: ServiceStartResponse
    service_stop: ServiceStopResponse
    service_restart: ServiceRestartResponse
    service_delete: ServiceDeleteResponse
    service_list: ServiceListResponse
    service_describe: ServiceDescribeResponse
    service_logs: ServiceLogsResponse
    service_flush: ServiceFlushResponse
    service_save: ServiceSaveResponse
    service_resurrect: ServiceResurrectResponse
    spawn_pty_session: SpawnPtySessionResponse
    attach_pty_session: AttachPtySessionResponse
    detach_pty_session: DetachPtySessionResponse
    list_pty_sessions: ListPtySessionsResponse
    terminate_pty_session: TerminatePtySessionResponse
    spawn_pipe_session: SpawnPipeSessionResponse
    attach_pipe_stream: AttachPipeStreamResponse
    detach_pipe_stream: DetachPipeStreamResponse
    list_pipe_sessions: ListPipeSessionsResponse
    terminate_pipe_session: TerminatePipeSessionResponse
    write_pipe_stdin: WritePipeStdinResponse
    get_session_backlog: GetSessionBacklogResponse
    purge_exited_sessions: PurgeExitedSessionsResponse
    bulk_terminate_sessions: BulkTerminateSessionsResponse
    resize_pty_session: ResizePtySessionResponse
    register_session_tee: RegisterSessionTeeResponse
    unregister_session_tee: UnregisterSessionTeeResponse
    get_session_tee_status: GetSessionTeeStatusResponse
    register_session_observer: RegisterSessionObserverResponse
    unregister_session_observer: UnregisterSessionObserverResponse
    get_session_observer_status: GetSessionObserverStatusResponse
    roost: RoostReply
    def __init__(self, request_id: _Optional[int] = ..., code: _Optional[_Union[StatusCode, str]] = ..., message: _Optional[str] = ..., register: _Optional[_Union[RegisterResponse, _Mapping]] = ..., unregister: _Optional[_Union[UnregisterResponse, _Mapping]] = ..., spawn_daemon: _Optional[_Union[SpawnDaemonResponse, _Mapping]] = ..., list_active: _Optional[_Union[ListActiveResponse, _Mapping]] = ..., list_by_originator: _Optional[_Union[ListByOriginatorResponse, _Mapping]] = ..., get_process_tree: _Optional[_Union[GetProcessTreeResponse, _Mapping]] = ..., kill_zombies: _Optional[_Union[KillZombiesResponse, _Mapping]] = ..., kill_tree: _Optional[_Union[KillTreeResponse, _Mapping]] = ..., ping: _Optional[_Union[PingResponse, _Mapping]] = ..., shutdown: _Optional[_Union[ShutdownResponse, _Mapping]] = ..., status: _Optional[_Union[StatusResponse, _Mapping]] = ..., service_start: _Optional[_Union[ServiceStartResponse, _Mapping]] = ..., service_stop: _Optional[_Union[ServiceStopResponse, _Mapping]] = ..., service_restart: _Optional[_Union[ServiceRestartResponse, _Mapping]] = ..., service_delete: _Optional[_Union[ServiceDeleteResponse, _Mapping]] = ..., service_list: _Optional[_Union[ServiceListResponse, _Mapping]] = ..., service_describe: _Optional[_Union[ServiceDescribeResponse, _Mapping]] = ..., service_logs: _Optional[_Union[ServiceLogsResponse, _Mapping]] = ..., service_flush: _Optional[_Union[ServiceFlushResponse, _Mapping]] = ..., service_save: _Optional[_Union[ServiceSaveResponse, _Mapping]] = ..., service_resurrect: _Optional[_Union[ServiceResurrectResponse, _Mapping]] = ..., spawn_pty_session: _Optional[_Union[SpawnPtySessionResponse, _Mapping]] = ..., attach_pty_session: _Optional[_Union[AttachPtySessionResponse, _Mapping]] = ..., detach_pty_session: _Optional[_Union[DetachPtySessionResponse, _Mapping]] = ..., list_pty_sessions: _Optional[_Union[ListPtySessionsResponse, _Mapping]] = ..., terminate_pty_session: _Optional[_Union[TerminatePtySessionResponse, _Mapping]] = ..., spawn_pipe_session: _Optional[_Union[SpawnPipeSessionResponse, _Mapping]] = ..., attach_pipe_stream: _Optional[_Union[AttachPipeStreamResponse, _Mapping]] = ..., detach_pipe_stream: _Optional[_Union[DetachPipeStreamResponse, _Mapping]] = ..., list_pipe_sessions: _Optional[_Union[ListPipeSessionsResponse, _Mapping]] = ..., terminate_pipe_session: _Optional[_Union[TerminatePipeSessionResponse, _Mapping]] = ..., write_pipe_stdin: _Optional[_Union[WritePipeStdinResponse, _Mapping]] = ..., get_session_backlog: _Optional[_Union[GetSessionBacklogResponse, _Mapping]] = ..., purge_exited_sessions: _Optional[_Union[PurgeExitedSessionsResponse, _Mapping]] = ..., bulk_terminate_sessions: _Optional[_Union[BulkTerminateSessionsResponse, _Mapping]] = ..., resize_pty_session: _Optional[_Union[ResizePtySessionResponse, _Mapping]] = ..., register_session_tee: _Optional[_Union[RegisterSessionTeeResponse, _Mapping]] = ..., unregister_session_tee: _Optional[_Union[UnregisterSessionTeeResponse, _Mapping]] = ..., get_session_tee_status: _Optional[_Union[GetSessionTeeStatusResponse, _Mapping]] = ..., register_session_observer: _Optional[_Union[RegisterSessionObserverResponse, _Mapping]] = ..., unregister_session_observer: _Optional[_Union[UnregisterSessionObserverResponse, _Mapping]] = ..., get_session_observer_status: _Optional[_Union[GetSessionObserverStatusResponse, _Mapping]] = ..., roost: _Optional[_Union[RoostReply, _Mapping]] = ...) -> None: ...

class KeyValue(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class TerminalGraphicsCapability(_message.Message):
    __slots__ = ("protocol", "status", "evidence", "source", "risks")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RISKS_FIELD_NUMBER: _ClassVar[int]
    protocol: GraphicsProtocol
    status: CapabilityStatus
    evidence: EvidenceStrength
    source: str
    risks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, protocol: _Optional[_Union[GraphicsProtocol, str]] = ..., status: _Optional[_Union[CapabilityStatus, str]] = ..., evidence: _Optional[_Union[EvidenceStrength, str]] = ..., source: _Optional[str] = ..., risks: _Optional[_Iterable[str]] = ...) -> None: ...

class TerminalGraphicsCapabilities(_message.Message):
    __slots__ = ("protocols", "preferred")
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_FIELD_NUMBER: _ClassVar[int]
    protocols: _containers.RepeatedCompositeFieldContainer[TerminalGraphicsCapability]
    preferred: GraphicsProtocol
    def __init__(self, protocols: _Optional[_Iterable[_Union[TerminalGraphicsCapability, _Mapping]]] = ..., preferred: _Optional[_Union[GraphicsProtocol, str]] = ...) -> None: ...

class PtyStreamFrame(_message.Message):
    __slots__ = ("output", "exit_code", "missed_bytes", "error", "stolen_by", "roost")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    MISSED_BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STOLEN_BY_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    output: bytes
    exit_code: int
    missed_bytes: int
    error: str
    stolen_by: str
    roost: RoostFrame
    def __init__(self, output: _Optional[bytes] = ..., exit_code: _Optional[int] = ..., missed_bytes: _Optional[int] = ..., error: _Optional[str] = ..., stolen_by: _Optional[str] = ..., roost: _Optional[_Union[RoostFrame, _Mapping]] = ...) -> None: ...

class PtyInputFrame(_message.Message):
    __slots__ = ("input", "resize", "interrupt", "detach", "roost")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    input: bytes
    resize: PtyResize
    interrupt: bool
    detach: bool
    roost: RoostInput
    def __init__(self, input: _Optional[bytes] = ..., resize: _Optional[_Union[PtyResize, _Mapping]] = ..., interrupt: _Optional[bool] = ..., detach: _Optional[bool] = ..., roost: _Optional[_Union[RoostInput, _Mapping]] = ...) -> None: ...

class PtyResize(_message.Message):
    __slots__ = ("rows", "cols")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    cols: int
    def __init__(self, rows: _Optional[int] = ..., cols: _Optional[int] = ...) -> None: ...

class PipeStreamFrame(_message.Message):
    __slots__ = ("bytes", "eof", "exit_code", "missed_bytes", "error", "stolen_by", "roost")
    BYTES_FIELD_NUMBER: _ClassVar[int]
    EOF_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    MISSED_BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STOLEN_BY_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    bytes: bytes
    eof: bool
    exit_code: int
    missed_bytes: int
    error: str
    stolen_by: str
    roost: RoostFrame
    def __init__(self, bytes: _Optional[bytes] = ..., eof: _Optional[bool] = ..., exit_code: _Optional[int] = ..., missed_bytes: _Optional[int] = ..., error: _Optional[str] = ..., stolen_by: _Optional[str] = ..., roost: _Optional[_Union[RoostFrame, _Mapping]] = ...) -> None: ...

class SpawnPtySessionRequest(_message.Message):
    __slots__ = ("argv", "cwd", "env", "clear_inherited_env", "rows", "cols", "originator", "environment_policy", "roost")
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    CLEAR_INHERITED_ENV_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_POLICY_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    argv: _containers.RepeatedScalarFieldContainer[str]
    cwd: str
    env: _containers.RepeatedCompositeFieldContainer[KeyValue]
    clear_inherited_env: bool
    rows: int
    cols: int
    originator: str
    environment_policy: EnvironmentPolicy
    roost: RoostSpawn
    def __init__(self, argv: _Optional[_Iterable[str]] = ..., cwd: _Optional[str] = ..., env: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., clear_inherited_env: _Optional[bool] = ..., rows: _Optional[int] = ..., cols: _Optional[int] = ..., originator: _Optional[str] = ..., environment_policy: _Optional[_Union[EnvironmentPolicy, str]] = ..., roost: _Optional[_Union[RoostSpawn, _Mapping]] = ...) -> None: ...

class SpawnPtySessionResponse(_message.Message):
    __slots__ = ("session_id", "pid", "created_at", "roost")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    pid: int
    created_at: float
    roost: RoostSpawned
    def __init__(self, session_id: _Optional[str] = ..., pid: _Optional[int] = ..., created_at: _Optional[float] = ..., roost: _Optional[_Union[RoostSpawned, _Mapping]] = ...) -> None: ...

class AttachPtySessionRequest(_message.Message):
    __slots__ = ("session_id", "rows", "cols", "steal", "term", "is_tty", "graphics_capabilities", "roost")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    STEAL_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    IS_TTY_FIELD_NUMBER: _ClassVar[int]
    GRAPHICS_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    rows: int
    cols: int
    steal: bool
    term: str
    is_tty: bool
    graphics_capabilities: TerminalGraphicsCapabilities
    roost: RoostAttach
    def __init__(self, session_id: _Optional[str] = ..., rows: _Optional[int] = ..., cols: _Optional[int] = ..., steal: _Optional[bool] = ..., term: _Optional[str] = ..., is_tty: _Optional[bool] = ..., graphics_capabilities: _Optional[_Union[TerminalGraphicsCapabilities, _Mapping]] = ..., roost: _Optional[_Union[RoostAttach, _Mapping]] = ...) -> None: ...

class AttachPtySessionResponse(_message.Message):
    __slots__ = ("stream_endpoint", "backlog", "backlog_truncated", "bytes_missed", "roost")
    STREAM_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    BYTES_MISSED_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    stream_endpoint: str
    backlog: bytes
    backlog_truncated: bool
    bytes_missed: int
    roost: RoostAttached
    def __init__(self, stream_endpoint: _Optional[str] = ..., backlog: _Optional[bytes] = ..., backlog_truncated: _Optional[bool] = ..., bytes_missed: _Optional[int] = ..., roost: _Optional[_Union[RoostAttached, _Mapping]] = ...) -> None: ...

class DetachPtySessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DetachPtySessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPtySessionsRequest(_message.Message):
    __slots__ = ("originator",)
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    originator: str
    def __init__(self, originator: _Optional[str] = ...) -> None: ...

class ListPtySessionsResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[PtySessionInfo]
    def __init__(self, sessions: _Optional[_Iterable[_Union[PtySessionInfo, _Mapping]]] = ...) -> None: ...

class PtySessionInfo(_message.Message):
    __slots__ = ("session_id", "pid", "command", "cwd", "originator", "created_at", "attached", "exited", "exit_code", "exited_at", "rows", "cols", "termination_outcome", "attached_is_tty", "attached_term", "attached_graphics_capabilities")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    EXITED_AT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    TERMINATION_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_IS_TTY_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_TERM_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_GRAPHICS_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    pid: int
    command: str
    cwd: str
    originator: str
    created_at: float
    attached: bool
    exited: bool
    exit_code: int
    exited_at: float
    rows: int
    cols: int
    termination_outcome: TerminationOutcome
    attached_is_tty: bool
    attached_term: str
    attached_graphics_capabilities: TerminalGraphicsCapabilities
    def __init__(self, session_id: _Optional[str] = ..., pid: _Optional[int] = ..., command: _Optional[str] = ..., cwd: _Optional[str] = ..., originator: _Optional[str] = ..., created_at: _Optional[float] = ..., attached: _Optional[bool] = ..., exited: _Optional[bool] = ..., exit_code: _Optional[int] = ..., exited_at: _Optional[float] = ..., rows: _Optional[int] = ..., cols: _Optional[int] = ..., termination_outcome: _Optional[_Union[TerminationOutcome, str]] = ..., attached_is_tty: _Optional[bool] = ..., attached_term: _Optional[str] = ..., attached_graphics_capabilities: _Optional[_Union[TerminalGraphicsCapabilities, _Mapping]] = ...) -> None: ...

class TerminatePtySessionRequest(_message.Message):
    __slots__ = ("session_id", "grace_ms")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    grace_ms: int
    def __init__(self, session_id: _Optional[str] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class TerminatePtySessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResizePtySessionRequest(_message.Message):
    __slots__ = ("session_id", "rows", "cols")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    rows: int
    cols: int
    def __init__(self, session_id: _Optional[str] = ..., rows: _Optional[int] = ..., cols: _Optional[int] = ...) -> None: ...

class ResizePtySessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SpawnPipeSessionRequest(_message.Message):
    __slots__ = ("argv", "cwd", "env", "clear_inherited_env", "originator", "merge_stderr_into_stdout", "environment_policy", "roost")
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    CLEAR_INHERITED_ENV_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    MERGE_STDERR_INTO_STDOUT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_POLICY_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    argv: _containers.RepeatedScalarFieldContainer[str]
    cwd: str
    env: _containers.RepeatedCompositeFieldContainer[KeyValue]
    clear_inherited_env: bool
    originator: str
    merge_stderr_into_stdout: bool
    environment_policy: EnvironmentPolicy
    roost: RoostSpawn
    def __init__(self, argv: _Optional[_Iterable[str]] = ..., cwd: _Optional[str] = ..., env: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., clear_inherited_env: _Optional[bool] = ..., originator: _Optional[str] = ..., merge_stderr_into_stdout: _Optional[bool] = ..., environment_policy: _Optional[_Union[EnvironmentPolicy, str]] = ..., roost: _Optional[_Union[RoostSpawn, _Mapping]] = ...) -> None: ...

class SpawnPipeSessionResponse(_message.Message):
    __slots__ = ("session_id", "pid", "created_at", "roost")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    pid: int
    created_at: float
    roost: RoostSpawned
    def __init__(self, session_id: _Optional[str] = ..., pid: _Optional[int] = ..., created_at: _Optional[float] = ..., roost: _Optional[_Union[RoostSpawned, _Mapping]] = ...) -> None: ...

class AttachPipeStreamRequest(_message.Message):
    __slots__ = ("session_id", "stream", "steal", "roost")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    STEAL_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    stream: PipeStreamKind
    steal: bool
    roost: RoostAttach
    def __init__(self, session_id: _Optional[str] = ..., stream: _Optional[_Union[PipeStreamKind, str]] = ..., steal: _Optional[bool] = ..., roost: _Optional[_Union[RoostAttach, _Mapping]] = ...) -> None: ...

class AttachPipeStreamResponse(_message.Message):
    __slots__ = ("backlog", "backlog_truncated", "bytes_missed", "roost")
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    BYTES_MISSED_FIELD_NUMBER: _ClassVar[int]
    ROOST_FIELD_NUMBER: _ClassVar[int]
    backlog: bytes
    backlog_truncated: bool
    bytes_missed: int
    roost: RoostAttached
    def __init__(self, backlog: _Optional[bytes] = ..., backlog_truncated: _Optional[bool] = ..., bytes_missed: _Optional[int] = ..., roost: _Optional[_Union[RoostAttached, _Mapping]] = ...) -> None: ...

class DetachPipeStreamRequest(_message.Message):
    __slots__ = ("session_id", "stream")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    stream: PipeStreamKind
    def __init__(self, session_id: _Optional[str] = ..., stream: _Optional[_Union[PipeStreamKind, str]] = ...) -> None: ...

class DetachPipeStreamResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPipeSessionsRequest(_message.Message):
    __slots__ = ("originator",)
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    originator: str
    def __init__(self, originator: _Optional[str] = ...) -> None: ...

class ListPipeSessionsResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[PipeSessionInfo]
    def __init__(self, sessions: _Optional[_Iterable[_Union[PipeSessionInfo, _Mapping]]] = ...) -> None: ...

class PipeSessionInfo(_message.Message):
    __slots__ = ("session_id", "pid", "command", "cwd", "originator", "created_at", "stdout_attached", "stderr_attached", "exited", "exit_code", "exited_at", "merge_stderr_into_stdout", "termination_outcome")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STDOUT_ATTACHED_FIELD_NUMBER: _ClassVar[int]
    STDERR_ATTACHED_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    EXITED_AT_FIELD_NUMBER: _ClassVar[int]
    MERGE_STDERR_INTO_STDOUT_FIELD_NUMBER: _ClassVar[int]
    TERMINATION_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    pid: int
    command: str
    cwd: str
    originator: str
    created_at: float
    stdout_attached: bool
    stderr_attached: bool
    exited: bool
    exit_code: int
    exited_at: float
    merge_stderr_into_stdout: bool
    termination_outcome: TerminationOutcome
    def __init__(self, session_id: _Optional[str] = ..., pid: _Optional[int] = ..., command: _Optional[str] = ..., cwd: _Optional[str] = ..., originator: _Optional[str] = ..., created_at: _Optional[float] = ..., stdout_attached: _Optional[bool] = ..., stderr_attached: _Optional[bool] = ..., exited: _Optional[bool] = ..., exit_code: _Optional[int] = ..., exited_at: _Optional[float] = ..., merge_stderr_into_stdout: _Optional[bool] = ..., termination_outcome: _Optional[_Union[TerminationOutcome, str]] = ...) -> None: ...

class TerminatePipeSessionRequest(_message.Message):
    __slots__ = ("session_id", "grace_ms")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    grace_ms: int
    def __init__(self, session_id: _Optional[str] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class TerminatePipeSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WritePipeStdinRequest(_message.Message):
    __slots__ = ("session_id", "data", "close")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    data: bytes
    close: bool
    def __init__(self, session_id: _Optional[str] = ..., data: _Optional[bytes] = ..., close: _Optional[bool] = ...) -> None: ...

class WritePipeStdinResponse(_message.Message):
    __slots__ = ("bytes_written",)
    BYTES_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    bytes_written: int
    def __init__(self, bytes_written: _Optional[int] = ...) -> None: ...

class GetSessionBacklogRequest(_message.Message):
    __slots__ = ("session_id", "pipe_stream")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PIPE_STREAM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    pipe_stream: PipeStreamKind
    def __init__(self, session_id: _Optional[str] = ..., pipe_stream: _Optional[_Union[PipeStreamKind, str]] = ...) -> None: ...

class GetSessionBacklogResponse(_message.Message):
    __slots__ = ("backlog", "bytes_missed", "session_kind", "exited", "exit_code", "exited_at", "termination_outcome")
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    BYTES_MISSED_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    EXITED_AT_FIELD_NUMBER: _ClassVar[int]
    TERMINATION_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    backlog: bytes
    bytes_missed: int
    session_kind: str
    exited: bool
    exit_code: int
    exited_at: float
    termination_outcome: TerminationOutcome
    def __init__(self, backlog: _Optional[bytes] = ..., bytes_missed: _Optional[int] = ..., session_kind: _Optional[str] = ..., exited: _Optional[bool] = ..., exit_code: _Optional[int] = ..., exited_at: _Optional[float] = ..., termination_outcome: _Optional[_Union[TerminationOutcome, str]] = ...) -> None: ...

class PurgeExitedSessionsRequest(_message.Message):
    __slots__ = ("originator",)
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    originator: str
    def __init__(self, originator: _Optional[str] = ...) -> None: ...

class PurgeExitedSessionsResponse(_message.Message):
    __slots__ = ("pty_purged", "pipe_purged")
    PTY_PURGED_FIELD_NUMBER: _ClassVar[int]
    PIPE_PURGED_FIELD_NUMBER: _ClassVar[int]
    pty_purged: int
    pipe_purged: int
    def __init__(self, pty_purged: _Optional[int] = ..., pipe_purged: _Optional[int] = ...) -> None: ...

class BulkTerminateSessionsRequest(_message.Message):
    __slots__ = ("older_than_secs", "originator", "grace_ms")
    OLDER_THAN_SECS_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    older_than_secs: int
    originator: str
    grace_ms: int
    def __init__(self, older_than_secs: _Optional[int] = ..., originator: _Optional[str] = ..., grace_ms: _Optional[int] = ...) -> None: ...

class BulkTerminateSessionsResponse(_message.Message):
    __slots__ = ("pty_terminated", "pipe_terminated")
    PTY_TERMINATED_FIELD_NUMBER: _ClassVar[int]
    PIPE_TERMINATED_FIELD_NUMBER: _ClassVar[int]
    pty_terminated: int
    pipe_terminated: int
    def __init__(self, pty_terminated: _Optional[int] = ..., pipe_terminated: _Optional[int] = ...) -> None: ...

class RegisterSessionTeeRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "stream", "sink_kind", "file_path", "file_mode", "queue_capacity", "suppress_missed_markers", "backpressure")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    SINK_KIND_FIELD_NUMBER: _ClassVar[int]
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_MODE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    SUPPRESS_MISSED_MARKERS_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: TeeSessionKind
    stream: TeeStreamKind
    sink_kind: TeeSinkKind
    file_path: bytes
    file_mode: TeeFileMode
    queue_capacity: int
    suppress_missed_markers: bool
    backpressure: TeeBackpressure
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[TeeSessionKind, str]] = ..., stream: _Optional[_Union[TeeStreamKind, str]] = ..., sink_kind: _Optional[_Union[TeeSinkKind, str]] = ..., file_path: _Optional[bytes] = ..., file_mode: _Optional[_Union[TeeFileMode, str]] = ..., queue_capacity: _Optional[int] = ..., suppress_missed_markers: _Optional[bool] = ..., backpressure: _Optional[_Union[TeeBackpressure, str]] = ...) -> None: ...

class RegisterSessionTeeResponse(_message.Message):
    __slots__ = ("tee_handle",)
    TEE_HANDLE_FIELD_NUMBER: _ClassVar[int]
    tee_handle: int
    def __init__(self, tee_handle: _Optional[int] = ...) -> None: ...

class UnregisterSessionTeeRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "tee_handle")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    TEE_HANDLE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: TeeSessionKind
    tee_handle: int
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[TeeSessionKind, str]] = ..., tee_handle: _Optional[int] = ...) -> None: ...

class UnregisterSessionTeeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSessionTeeStatusRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "tee_handle")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    TEE_HANDLE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: TeeSessionKind
    tee_handle: int
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[TeeSessionKind, str]] = ..., tee_handle: _Optional[int] = ...) -> None: ...

class GetSessionTeeStatusResponse(_message.Message):
    __slots__ = ("stream", "missed_bytes", "disconnected")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    MISSED_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISCONNECTED_FIELD_NUMBER: _ClassVar[int]
    stream: TeeStreamKind
    missed_bytes: int
    disconnected: bool
    def __init__(self, stream: _Optional[_Union[TeeStreamKind, str]] = ..., missed_bytes: _Optional[int] = ..., disconnected: _Optional[bool] = ...) -> None: ...

class RegisterSessionObserverRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "categories", "ring_capacity_events", "backpressure")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    RING_CAPACITY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: ObserverSessionKind
    categories: _containers.RepeatedScalarFieldContainer[int]
    ring_capacity_events: int
    backpressure: ObserverBackpressure
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[ObserverSessionKind, str]] = ..., categories: _Optional[_Iterable[int]] = ..., ring_capacity_events: _Optional[int] = ..., backpressure: _Optional[_Union[ObserverBackpressure, str]] = ...) -> None: ...

class RegisterSessionObserverResponse(_message.Message):
    __slots__ = ("subscriber_id",)
    SUBSCRIBER_ID_FIELD_NUMBER: _ClassVar[int]
    subscriber_id: str
    def __init__(self, subscriber_id: _Optional[str] = ...) -> None: ...

class UnregisterSessionObserverRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "subscriber_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBER_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: ObserverSessionKind
    subscriber_id: str
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[ObserverSessionKind, str]] = ..., subscriber_id: _Optional[str] = ...) -> None: ...

class UnregisterSessionObserverResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSessionObserverStatusRequest(_message.Message):
    __slots__ = ("session_id", "session_kind", "subscriber_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_KIND_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBER_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    session_kind: ObserverSessionKind
    subscriber_id: str
    def __init__(self, session_id: _Optional[str] = ..., session_kind: _Optional[_Union[ObserverSessionKind, str]] = ..., subscriber_id: _Optional[str] = ...) -> None: ...

class GetSessionObserverStatusResponse(_message.Message):
    __slots__ = ("missed_events", "disconnected", "delivered_events")
    MISSED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    DISCONNECTED_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    missed_events: int
    disconnected: bool
    delivered_events: int
    def __init__(self, missed_events: _Optional[int] = ..., disconnected: _Optional[bool] = ..., delivered_events: _Optional[int] = ...) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("server_time_ms",)
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    server_time_ms: int
    def __init__(self, server_time_ms: _Optional[int] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("version", "uptime_seconds", "tracked_process_count", "active_connections", "socket_path", "db_path", "scope", "scope_hash", "scope_cwd", "emergency_reserve")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRACKED_PROCESS_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    SOCKET_PATH_FIELD_NUMBER: _ClassVar[int]
    DB_PATH_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_HASH_FIELD_NUMBER: _ClassVar[int]
    SCOPE_CWD_FIELD_NUMBER: _ClassVar[int]
    EMERGENCY_RESERVE_FIELD_NUMBER: _ClassVar[int]
    version: str
    uptime_seconds: int
    tracked_process_count: int
    active_connections: int
    socket_path: str
    db_path: str
    scope: str
    scope_hash: str
    scope_cwd: str
    emergency_reserve: str
    def __init__(self, version: _Optional[str] = ..., uptime_seconds: _Optional[int] = ..., tracked_process_count: _Optional[int] = ..., active_connections: _Optional[int] = ..., socket_path: _Optional[str] = ..., db_path: _Optional[str] = ..., scope: _Optional[str] = ..., scope_hash: _Optional[str] = ..., scope_cwd: _Optional[str] = ..., emergency_reserve: _Optional[str] = ...) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ("graceful", "timeout_seconds")
    GRACEFUL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    graceful: bool
    timeout_seconds: float
    def __init__(self, graceful: _Optional[bool] = ..., timeout_seconds: _Optional[float] = ...) -> None: ...

class ShutdownResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("pid", "created_at", "kind", "command", "cwd", "originator", "containment")
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CONTAINMENT_FIELD_NUMBER: _ClassVar[int]
    pid: int
    created_at: float
    kind: str
    command: str
    cwd: str
    originator: str
    containment: str
    def __init__(self, pid: _Optional[int] = ..., created_at: _Optional[float] = ..., kind: _Optional[str] = ..., command: _Optional[str] = ..., cwd: _Optional[str] = ..., originator: _Optional[str] = ..., containment: _Optional[str] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnregisterRequest(_message.Message):
    __slots__ = ("pid",)
    PID_FIELD_NUMBER: _ClassVar[int]
    pid: int
    def __init__(self, pid: _Optional[int] = ...) -> None: ...

class UnregisterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SpawnDaemonRequest(_message.Message):
    __slots__ = ("command", "cwd", "env", "originator", "clear_inherited_env", "environment_policy")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CLEAR_INHERITED_ENV_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_POLICY_FIELD_NUMBER: _ClassVar[int]
    command: str
    cwd: str
    env: _containers.RepeatedCompositeFieldContainer[KeyValue]
    originator: str
    clear_inherited_env: bool
    environment_policy: EnvironmentPolicy
    def __init__(self, command: _Optional[str] = ..., cwd: _Optional[str] = ..., env: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., originator: _Optional[str] = ..., clear_inherited_env: _Optional[bool] = ..., environment_policy: _Optional[_Union[EnvironmentPolicy, str]] = ...) -> None: ...

class SpawnDaemonResponse(_message.Message):
    __slots__ = ("pid", "created_at", "command", "cwd", "originator", "containment")
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CONTAINMENT_FIELD_NUMBER: _ClassVar[int]
    pid: int
    created_at: float
    command: str
    cwd: str
    originator: str
    containment: str
    def __init__(self, pid: _Optional[int] = ..., created_at: _Optional[float] = ..., command: _Optional[str] = ..., cwd: _Optional[str] = ..., originator: _Optional[str] = ..., containment: _Optional[str] = ...) -> None: ...

class ListActiveRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListActiveResponse(_message.Message):
    __slots__ = ("processes",)
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[TrackedProcess]
    def __init__(self, processes: _Optional[_Iterable[_Union[TrackedProcess, _Mapping]]] = ...) -> None: ...

class ListByOriginatorRequest(_message.Message):
    __slots__ = ("tool",)
    TOOL_FIELD_NUMBER: _ClassVar[int]
    tool: str
    def __init__(self, tool: _Optional[str] = ...) -> None: ...

class ListByOriginatorResponse(_message.Message):
    __slots__ = ("processes",)
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[TrackedProcess]
    def __init__(self, processes: _Optional[_Iterable[_Union[TrackedProcess, _Mapping]]] = ...) -> None: ...

class TrackedProcess(_message.Message):
    __slots__ = ("pid", "created_at", "kind", "command", "cwd", "originator", "containment", "registered_at", "uptime_seconds", "parent_alive", "state", "last_validated_at")
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    CONTAINMENT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PARENT_ALIVE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_VALIDATED_AT_FIELD_NUMBER: _ClassVar[int]
    pid: int
    created_at: float
    kind: str
    command: str
    cwd: str
    originator: str
    containment: str
    registered_at: float
    uptime_seconds: float
    parent_alive: bool
    state: ProcessState
    last_validated_at: float
    def __init__(self, pid: _Optional[int] = ..., created_at: _Optional[float] = ..., kind: _Optional[str] = ..., command: _Optional[str] = ..., cwd: _Optional[str] = ..., originator: _Optional[str] = ..., containment: _Optional[str] = ..., registered_at: _Optional[float] = ..., uptime_seconds: _Optional[float] = ..., parent_alive: _Optional[bool] = ..., state: _Optional[_Union[ProcessState, str]] = ..., last_validated_at: _Optional[float] = ...) -> None: ...

class GetProcessTreeRequest(_message.Message):
    __slots__ = ("pid",)
    PID_FIELD_NUMBER: _ClassVar[int]
    pid: int
    def __init__(self, pid: _Optional[int] = ...) -> None: ...

class GetProcessTreeResponse(_message.Message):
    __slots__ = ("tree_display",)
    TREE_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    tree_display: str
    def __init__(self, tree_display: _Optional[str] = ...) -> None: ...

class KillZombiesRequest(_message.Message):
    __slots__ = ("dry_run",)
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    def __init__(self, dry_run: _Optional[bool] = ...) -> None: ...

class KillZombiesResponse(_message.Message):
    __slots__ = ("zombies",)
    ZOMBIES_FIELD_NUMBER: _ClassVar[int]
    zombies: _containers.RepeatedCompositeFieldContainer[ZombieReport]
    def __init__(self, zombies: _Optional[_Iterable[_Union[ZombieReport, _Mapping]]] = ...) -> None: ...

class ZombieReport(_message.Message):
    __slots__ = ("pid", "command", "reason", "killed")
    PID_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    KILLED_FIELD_NUMBER: _ClassVar[int]
    pid: int
    command: str
    reason: str
    killed: bool
    def __init__(self, pid: _Optional[int] = ..., command: _Optional[str] = ..., reason: _Optional[str] = ..., killed: _Optional[bool] = ...) -> None: ...

class KillTreeRequest(_message.Message):
    __slots__ = ("pid", "timeout_seconds")
    PID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    pid: int
    timeout_seconds: float
    def __init__(self, pid: _Optional[int] = ..., timeout_seconds: _Optional[float] = ...) -> None: ...

class KillTreeResponse(_message.Message):
    __slots__ = ("processes_killed",)
    PROCESSES_KILLED_FIELD_NUMBER: _ClassVar[int]
    processes_killed: int
    def __init__(self, processes_killed: _Optional[int] = ...) -> None: ...

class ServiceConfig(_message.Message):
    __slots__ = ("name", "cmd", "cwd", "env", "autorestart", "max_restarts", "restart_delay_ms", "kill_timeout_ms", "min_uptime_ms")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    CMD_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    AUTORESTART_FIELD_NUMBER: _ClassVar[int]
    MAX_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    RESTART_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    KILL_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    cmd: _containers.RepeatedScalarFieldContainer[str]
    cwd: str
    env: _containers.ScalarMap[str, str]
    autorestart: bool
    max_restarts: int
    restart_delay_ms: int
    kill_timeout_ms: int
    min_uptime_ms: int
    def __init__(self, name: _Optional[str] = ..., cmd: _Optional[_Iterable[str]] = ..., cwd: _Optional[str] = ..., env: _Optional[_Mapping[str, str]] = ..., autorestart: _Optional[bool] = ..., max_restarts: _Optional[int] = ..., restart_delay_ms: _Optional[int] = ..., kill_timeout_ms: _Optional[int] = ..., min_uptime_ms: _Optional[int] = ...) -> None: ...

class ServiceState(_message.Message):
    __slots__ = ("name", "id", "status", "pid", "restart_count", "last_started_at", "last_exited_at", "last_exit_code", "config")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    RESTART_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_EXITED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: int
    status: str
    pid: int
    restart_count: int
    last_started_at: float
    last_exited_at: float
    last_exit_code: int
    config: ServiceConfig
    def __init__(self, name: _Optional[str] = ..., id: _Optional[int] = ..., status: _Optional[str] = ..., pid: _Optional[int] = ..., restart_count: _Optional[int] = ..., last_started_at: _Optional[float] = ..., last_exited_at: _Optional[float] = ..., last_exit_code: _Optional[int] = ..., config: _Optional[_Union[ServiceConfig, _Mapping]] = ...) -> None: ...

class ServiceStartRequest(_message.Message):
    __slots__ = ("config",)
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    config: ServiceConfig
    def __init__(self, config: _Optional[_Union[ServiceConfig, _Mapping]] = ...) -> None: ...

class ServiceStartResponse(_message.Message):
    __slots__ = ("service",)
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: ServiceState
    def __init__(self, service: _Optional[_Union[ServiceState, _Mapping]] = ...) -> None: ...

class ServiceStopRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ServiceStopResponse(_message.Message):
    __slots__ = ("stopped_count",)
    STOPPED_COUNT_FIELD_NUMBER: _ClassVar[int]
    stopped_count: int
    def __init__(self, stopped_count: _Optional[int] = ...) -> None: ...

class ServiceRestartRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ServiceRestartResponse(_message.Message):
    __slots__ = ("restarted_count",)
    RESTARTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    restarted_count: int
    def __init__(self, restarted_count: _Optional[int] = ...) -> None: ...

class ServiceDeleteRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ServiceDeleteResponse(_message.Message):
    __slots__ = ("deleted_count",)
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    def __init__(self, deleted_count: _Optional[int] = ...) -> None: ...

class ServiceListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServiceListResponse(_message.Message):
    __slots__ = ("services",)
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[ServiceState]
    def __init__(self, services: _Optional[_Iterable[_Union[ServiceState, _Mapping]]] = ...) -> None: ...

class ServiceDescribeRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ServiceDescribeResponse(_message.Message):
    __slots__ = ("service",)
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    service: ServiceState
    def __init__(self, service: _Optional[_Union[ServiceState, _Mapping]] = ...) -> None: ...

class ServiceLogsRequest(_message.Message):
    __slots__ = ("target", "lines", "follow")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    target: str
    lines: int
    follow: bool
    def __init__(self, target: _Optional[str] = ..., lines: _Optional[int] = ..., follow: _Optional[bool] = ...) -> None: ...

class ServiceLogsResponse(_message.Message):
    __slots__ = ("log_text",)
    LOG_TEXT_FIELD_NUMBER: _ClassVar[int]
    log_text: str
    def __init__(self, log_text: _Optional[str] = ...) -> None: ...

class ServiceFlushRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ServiceFlushResponse(_message.Message):
    __slots__ = ("flushed_count",)
    FLUSHED_COUNT_FIELD_NUMBER: _ClassVar[int]
    flushed_count: int
    def __init__(self, flushed_count: _Optional[int] = ...) -> None: ...

class ServiceSaveRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServiceSaveResponse(_message.Message):
    __slots__ = ("snapshot_path", "service_count")
    SNAPSHOT_PATH_FIELD_NUMBER: _ClassVar[int]
    SERVICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    snapshot_path: str
    service_count: int
    def __init__(self, snapshot_path: _Optional[str] = ..., service_count: _Optional[int] = ...) -> None: ...

class ServiceResurrectRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServiceResurrectResponse(_message.Message):
    __slots__ = ("restored_count",)
    RESTORED_COUNT_FIELD_NUMBER: _ClassVar[int]
    restored_count: int
    def __init__(self, restored_count: _Optional[int] = ...) -> None: ...

class RoostCall(_message.Message):
    __slots__ = ("required_features", "method", "params", "data")
    REQUIRED_FEATURES_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    required_features: _containers.RepeatedScalarFieldContainer[str]
    method: str
    params: bytes
    data: bytes
    def __init__(self, required_features: _Optional[_Iterable[str]] = ..., method: _Optional[str] = ..., params: _Optional[bytes] = ..., data: _Optional[bytes] = ...) -> None: ...

class RoostReply(_message.Message):
    __slots__ = ("result", "data", "error_kind", "error_detail")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_DETAIL_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    data: bytes
    error_kind: str
    error_detail: bytes
    def __init__(self, result: _Optional[bytes] = ..., data: _Optional[bytes] = ..., error_kind: _Optional[str] = ..., error_detail: _Optional[bytes] = ...) -> None: ...

class RoostSpawn(_message.Message):
    __slots__ = ("required_features", "spawn_id", "name", "ring_bytes", "size_policy", "labels", "term", "umask", "limits", "argv", "cwd", "env", "tees", "options")
    REQUIRED_FEATURES_FIELD_NUMBER: _ClassVar[int]
    SPAWN_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RING_BYTES_FIELD_NUMBER: _ClassVar[int]
    SIZE_POLICY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    UMASK_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ARGV_FIELD_NUMBER: _ClassVar[int]
    CWD_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    TEES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    required_features: _containers.RepeatedScalarFieldContainer[str]
    spawn_id: str
    name: str
    ring_bytes: int
    size_policy: str
    labels: _containers.RepeatedCompositeFieldContainer[KeyValue]
    term: str
    umask: int
    limits: _containers.RepeatedCompositeFieldContainer[RoostLimit]
    argv: _containers.RepeatedScalarFieldContainer[bytes]
    cwd: bytes
    env: bytes
    tees: _containers.RepeatedCompositeFieldContainer[RoostTee]
    options: bytes
    def __init__(self, required_features: _Optional[_Iterable[str]] = ..., spawn_id: _Optional[str] = ..., name: _Optional[str] = ..., ring_bytes: _Optional[int] = ..., size_policy: _Optional[str] = ..., labels: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., term: _Optional[str] = ..., umask: _Optional[int] = ..., limits: _Optional[_Iterable[_Union[RoostLimit, _Mapping]]] = ..., argv: _Optional[_Iterable[bytes]] = ..., cwd: _Optional[bytes] = ..., env: _Optional[bytes] = ..., tees: _Optional[_Iterable[_Union[RoostTee, _Mapping]]] = ..., options: _Optional[bytes] = ...) -> None: ...

class RoostTee(_message.Message):
    __slots__ = ("path", "stream", "truncate", "capacity_bytes", "no_markers", "block", "rotate_bytes", "keep")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    TRUNCATE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NO_MARKERS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    ROTATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    path: bytes
    stream: str
    truncate: bool
    capacity_bytes: int
    no_markers: bool
    block: bool
    rotate_bytes: int
    keep: int
    def __init__(self, path: _Optional[bytes] = ..., stream: _Optional[str] = ..., truncate: _Optional[bool] = ..., capacity_bytes: _Optional[int] = ..., no_markers: _Optional[bool] = ..., block: _Optional[bool] = ..., rotate_bytes: _Optional[int] = ..., keep: _Optional[int] = ...) -> None: ...

class RoostLimit(_message.Message):
    __slots__ = ("resource", "soft")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    SOFT_FIELD_NUMBER: _ClassVar[int]
    resource: str
    soft: int
    def __init__(self, resource: _Optional[str] = ..., soft: _Optional[int] = ...) -> None: ...

class RoostSpawned(_message.Message):
    __slots__ = ("name", "existing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    name: str
    existing: bool
    def __init__(self, name: _Optional[str] = ..., existing: _Optional[bool] = ...) -> None: ...

class RoostAttach(_message.Message):
    __slots__ = ("required_features", "from_offset", "tail_bytes", "mode", "lossless", "label", "restore", "resume_token", "env", "local", "local_input")
    REQUIRED_FEATURES_FIELD_NUMBER: _ClassVar[int]
    FROM_OFFSET_FIELD_NUMBER: _ClassVar[int]
    TAIL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    LOSSLESS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RESTORE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    LOCAL_INPUT_FIELD_NUMBER: _ClassVar[int]
    required_features: _containers.RepeatedScalarFieldContainer[str]
    from_offset: int
    tail_bytes: int
    mode: str
    lossless: bool
    label: str
    restore: str
    resume_token: bytes
    env: bytes
    local: bool
    local_input: bool
    def __init__(self, required_features: _Optional[_Iterable[str]] = ..., from_offset: _Optional[int] = ..., tail_bytes: _Optional[int] = ..., mode: _Optional[str] = ..., lossless: _Optional[bool] = ..., label: _Optional[str] = ..., restore: _Optional[str] = ..., resume_token: _Optional[bytes] = ..., env: _Optional[bytes] = ..., local: _Optional[bool] = ..., local_input: _Optional[bool] = ...) -> None: ...

class RoostAttached(_message.Message):
    __slots__ = ("start_offset", "end_offset", "attachment_id", "resume_token", "restore", "session_id", "name", "kind", "uncertain", "local", "restored")
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESTORE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNCERTAIN_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    start_offset: int
    end_offset: int
    attachment_id: str
    resume_token: bytes
    restore: bytes
    session_id: str
    name: str
    kind: str
    uncertain: bool
    local: int
    restored: str
    def __init__(self, start_offset: _Optional[int] = ..., end_offset: _Optional[int] = ..., attachment_id: _Optional[str] = ..., resume_token: _Optional[bytes] = ..., restore: _Optional[bytes] = ..., session_id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., uncertain: _Optional[bool] = ..., local: _Optional[int] = ..., restored: _Optional[str] = ...) -> None: ...

class RoostFrame(_message.Message):
    __slots__ = ("offset", "gap", "exited", "resized", "input_offset", "reset", "error_kind", "until", "input_ended")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    EXITED_FIELD_NUMBER: _ClassVar[int]
    RESIZED_FIELD_NUMBER: _ClassVar[int]
    INPUT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    ERROR_KIND_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    INPUT_ENDED_FIELD_NUMBER: _ClassVar[int]
    offset: int
    gap: RoostGap
    exited: RoostExit
    resized: RoostSize
    input_offset: int
    reset: bytes
    error_kind: str
    until: int
    input_ended: bool
    def __init__(self, offset: _Optional[int] = ..., gap: _Optional[_Union[RoostGap, _Mapping]] = ..., exited: _Optional[_Union[RoostExit, _Mapping]] = ..., resized: _Optional[_Union[RoostSize, _Mapping]] = ..., input_offset: _Optional[int] = ..., reset: _Optional[bytes] = ..., error_kind: _Optional[str] = ..., until: _Optional[int] = ..., input_ended: _Optional[bool] = ...) -> None: ...

class RoostGap(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: int
    def __init__(self, to: _Optional[int] = ..., **kwargs) -> None: ...

class RoostExit(_message.Message):
    __slots__ = ("code", "signal", "outcome", "at")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    code: int
    signal: int
    outcome: str
    at: float
    def __init__(self, code: _Optional[int] = ..., signal: _Optional[int] = ..., outcome: _Optional[str] = ..., at: _Optional[float] = ...) -> None: ...

class RoostSize(_message.Message):
    __slots__ = ("rows", "cols")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    cols: int
    def __init__(self, rows: _Optional[int] = ..., cols: _Optional[int] = ...) -> None: ...

class RoostInput(_message.Message):
    __slots__ = ("close_stdin",)
    CLOSE_STDIN_FIELD_NUMBER: _ClassVar[int]
    close_stdin: bool
    def __init__(self, close_stdin: _Optional[bool] = ...) -> None: ...
