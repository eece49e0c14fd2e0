/* process: the Lua module by which specs start and control other real processes. For the tests alone.
**
** A child's stdin and stdout are pipes to this process, and its stderr is this process's. The child
** inherits every inheritable handle of this process, so that specs can check that filemap's own handles
** are not inheritable. This process's ends of the pipes are not inheritable. Otherwise one child would
** hold another child's stdin open, and the other child would never read its end.
**
** Times are in seconds. The process that uses this module has one thread. */
#if !defined(_WIN32)
#define _GNU_SOURCE
#endif

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "../../src/lua/versions.h"

#if defined(_WIN32)
#include <windows.h>
#include <tlhelp32.h>
typedef HANDLE pipe_end;
typedef HANDLE process_id;
#define NO_PIPE NULL
#else
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#include <time.h>
#include <unistd.h>
typedef int pipe_end;
typedef pid_t process_id;
#define NO_PIPE (-1)
extern char **environ;
#endif

#define PROC "process"

typedef struct proc {
  process_id id;
  pipe_end in, out; /* this process's ends of its stdin and stdout */
  bool running;     /* its end has not been seen, and it must be reaped */
  lua_Integer pid, code, signal; /* signal 0: it exited, with this code */
} proc;

enum { ENDED = 0, TIMEOUT = -1 };

/* Argument i of spawn's table, which is at index 1 of the stack. The table keeps the string alive. */
static const char *argument(lua_State *L, lua_Integer i)
{
  lua_geti(L, 1, i);
  const char *s = lua_tostring(L, -1);
  lua_pop(L, 1);
  return s;
}

/* Handle i in the list of handles to inherit, which is at index 2 of the stack. */
static lua_Integer handle_at(lua_State *L, lua_Integer i)
{
  lua_geti(L, 2, i);
  const lua_Integer handle = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return handle;
}

#if defined(_WIN32)

/* Pushes a userdata with `s` in UTF-16. */
static wchar_t *push_wide(lua_State *L, const char *s)
{
  const int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, s, -1, NULL, 0);
  if (n == 0) luaL_error(L, "not UTF-8: %s", s);
  wchar_t *wide = lua_newuserdatauv(L, (size_t)n * sizeof *wide, 0);
  MultiByteToWideChar(CP_UTF8, 0, s, -1, wide, n);
  return wide;
}

static double sys_now(void)
{
  LARGE_INTEGER count, per_second;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&per_second);
  return (double)count.QuadPart / (double)per_second.QuadPart;
}

/* Converts a FILETIME, which counts units of 100 ns. */
static double seconds_of(FILETIME t)
{
  return ((double)t.dwHighDateTime * 4294967296.0 + (double)t.dwLowDateTime) / 1e7;
}

static double sys_cpu(void)
{
  FILETIME start, end, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &start, &end, &kernel, &user)) return -1;
  return seconds_of(kernel) + seconds_of(user);
}

static void sys_sleep(double seconds)
{
  Sleep((DWORD)ceil(seconds * 1000));
}

static lua_Integer sys_pid(void)
{
  return (lua_Integer)GetCurrentProcessId();
}

static lua_Integer sys_handles(void)
{
  DWORD count = 0;
  GetProcessHandleCount(GetCurrentProcess(), &count);
  return (lua_Integer)count;
}

static lua_Integer sys_threads(void)
{
  THREADENTRY32 entry = {.dwSize = sizeof entry};
  const HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  lua_Integer count = 0;
  for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry))
    count += entry.th32OwnerProcessID == GetCurrentProcessId();
  CloseHandle(all);
  return count;
}

static bool sys_is_signalled(lua_Integer handle, double seconds)
{
  return WaitForSingleObject((HANDLE)(intptr_t)handle, (DWORD)ceil(seconds * 1000)) == WAIT_OBJECT_0;
}

static bool sys_protect(const char *path, bool yes)
{
  return SetFileAttributesA(path, yes ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL) != 0;
}

static const char *sys_push_error(lua_State *L, int error)
{
  return lua_pushfstring(L, "Windows error %d", error);
}

/* Pushes an environment variable, or false. */
static void sys_push_env(lua_State *L, const char *name)
{
  wchar_t value[4096] = {0};
  char text[3 * 4096];
  SetLastError(0);
  const DWORD n = GetEnvironmentVariableW(push_wide(L, name), value, 4096);
  const DWORD error = GetLastError();
  lua_pop(L, 1);
  if (n >= 4096) luaL_error(L, "%s is too long to be put back", name);
  WideCharToMultiByte(CP_UTF8, 0, value, -1, text, sizeof text, NULL, NULL);
  if (error == ERROR_ENVVAR_NOT_FOUND) lua_pushboolean(L, false);
  else lua_pushstring(L, text);
}

static void sys_set_env(lua_State *L, const char *name, const char *value)
{
  const wchar_t *wide = push_wide(L, name);
  SetEnvironmentVariableW(wide, value ? push_wide(L, value) : NULL);
  lua_pop(L, value ? 2 : 1);
}

/* Adds an argument, quoted for CommandLineToArgvW and C programs: a quote gets a backslash before it, and
** backslashes before a quote are doubled, also before the closing quote. */
static void add_argument(luaL_Buffer *b, const char *s)
{
  luaL_addchar(b, '"');
  for (;; s++) {
    const size_t slashes = strspn(s, "\\");
    s += slashes;
    const bool special = *s == '"' || *s == 0;
    for (size_t i = 0; i < slashes * (special ? 2 : 1); i++) luaL_addchar(b, '\\');
    if (*s == 0) break;
    if (special) luaL_addchar(b, '\\');
    luaL_addchar(b, *s);
  }
  luaL_addstring(b, "\" ");
}

static wchar_t *push_command_line(lua_State *L)
{
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; argument(L, i); i++) add_argument(&b, argument(L, i));
  luaL_pushresult(&b);
  return push_wide(L, lua_tostring(L, -1));
}

static void sys_close_pipe(pipe_end *end)
{
  if (*end) CloseHandle(*end);
  *end = NULL;
}

/* Makes a pipe. The child's end is inheritable, this process's end is not. */
static bool open_pipe(pipe_end *reader, pipe_end *writer, pipe_end *theirs)
{
  return CreatePipe(reader, writer, NULL, 0) &&
         SetHandleInformation(*theirs, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

/* Makes the handles of the list inheritable, or with flag 0 no longer inheritable. */
static void mark_inherited(lua_State *L, DWORD flag)
{
  for (lua_Integer i = 1; i <= luaL_len(L, 2); i++)
    SetHandleInformation((HANDLE)(intptr_t)handle_at(L, i), HANDLE_FLAG_INHERIT, flag);
}

/* On a loaded machine wine's CreateProcess sometimes fails with ERROR_INTERNAL_ERROR, and succeeds when it
** is called again. */
static BOOL create_process(wchar_t *command, STARTUPINFOW *start, PROCESS_INFORMATION *made)
{
  for (int tries = 0; tries < 20; tries++) {
    if (CreateProcessW(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, start, made)) return TRUE;
    if (GetLastError() != ERROR_INTERNAL_ERROR) return FALSE;
    Sleep(20);
  }
  return FALSE;
}

static int sys_spawn(lua_State *L, proc *p)
{
  wchar_t *command = push_command_line(L);
  STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
  PROCESS_INFORMATION made;
  start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
  SetHandleInformation(start.hStdError, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  mark_inherited(L, HANDLE_FLAG_INHERIT);
  p->running = open_pipe(&start.hStdInput, &p->in, &start.hStdInput) &&
               open_pipe(&p->out, &start.hStdOutput, &start.hStdOutput) &&
               create_process(command, &start, &made);
  const int error = p->running ? 0 : (int)GetLastError();
  mark_inherited(L, 0);
  sys_close_pipe(&start.hStdInput);
  sys_close_pipe(&start.hStdOutput);
  if (error) return error;
  CloseHandle(made.hThread);
  p->id = made.hProcess;
  p->pid = (lua_Integer)made.dwProcessId;
  return 0;
}

/* Windows has no wait for an anonymous pipe, so this polls. */
static int sys_read(const proc *p, char *data, size_t size, double deadline)
{
  for (;;) {
    DWORD n;
    if (!PeekNamedPipe(p->out, NULL, 0, NULL, &n, NULL)) return ENDED;
    if (n > 0) return ReadFile(p->out, data, (DWORD)size, &n, NULL) ? (int)n : ENDED;
    if (sys_now() >= deadline) return TIMEOUT;
    Sleep(1);
  }
}

static int sys_write(const proc *p, const char *data, size_t size)
{
  DWORD n;
  return WriteFile(p->in, data, (DWORD)size, &n, NULL) ? 0 : (int)GetLastError();
}

static void sys_kill(const proc *p)
{
  TerminateProcess(p->id, 137); /* as a POSIX shell reports SIGKILL */
}

static void sys_wait(proc *p, double deadline)
{
  const double left = fmax(ceil((deadline - sys_now()) * 1000), 0);
  DWORD code;
  if (WaitForSingleObject(p->id, left < 1e9 ? (DWORD)left : INFINITE) != WAIT_OBJECT_0) return;
  GetExitCodeProcess(p->id, &code);
  CloseHandle(p->id);
  p->code = (lua_Integer)code;
  p->running = false;
}

#else

static double sys_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double sys_cpu(void)
{
  return (double)clock() / CLOCKS_PER_SEC;
}

static void sys_sleep(double seconds)
{
  struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) continue;
}

static lua_Integer sys_pid(void)
{
  return (lua_Integer)getpid();
}

static lua_Integer sys_handles(void)
{
  lua_Integer count = -3; /* not counted: ".", ".." and the descriptor that lists them */
  DIR *folder = opendir("/dev/fd");
  if (!folder) return 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

/* Whether a thread runs. The kernel may still have to remove a thread that has been joined. Then the flag
** PF_EXITING is set in its status, where the flags are the seventh item behind its name. */
static bool is_running(const char *thread)
{
  enum { PF_EXITING = 4 };
  char path[280], text[512] = "";
  unsigned flags = PF_EXITING;
  snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  const char *name_end = n > 0 ? strrchr(text, ')') : NULL;
  if (name_end) sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %u", &flags);
  return !(flags & PF_EXITING);
}

static lua_Integer sys_threads(void)
{
  lua_Integer count = 0;
  DIR *folder = opendir("/proc/self/task");
  if (!folder) return 0;
  for (const struct dirent *entry; (entry = readdir(folder));)
    count += entry->d_name[0] != '.' && is_running(entry->d_name);
  closedir(folder);
  return count;
}

static bool sys_is_signalled(lua_Integer handle, double seconds)
{
  struct pollfd one = {(int)handle, POLLIN, 0};
  const double until = sys_now() + seconds;
  int n;
  do n = poll(&one, 1, (int)fmax(ceil((until - sys_now()) * 1000), 0));
  while (n < 0 && errno == EINTR);
  return n == 1 && one.revents == POLLIN;
}

static bool sys_protect(const char *path, bool yes)
{
  return chmod(path, yes ? 0400 : 0600) == 0;
}

static const char *sys_push_error(lua_State *L, int error)
{
  return lua_pushstring(L, strerror(error));
}

static void sys_push_env(lua_State *L, const char *name)
{
  if (getenv(name)) lua_pushstring(L, getenv(name));
  else lua_pushboolean(L, false);
}

static void sys_set_env(lua_State *L, const char *name, const char *value)
{
  if ((value ? setenv(name, value, 1) : unsetenv(name)) != 0) luaL_error(L, "no variable's name: %s", name);
}

static void sys_close_pipe(pipe_end *end)
{
  if (*end >= 0) close(*end);
  *end = NO_PIPE;
}

static bool open_pipe(pipe_end *reader, pipe_end *writer)
{
  int ends[2];
  if (pipe(ends) != 0) return false;
  fcntl(*reader = ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(*writer = ends[1], F_SETFD, FD_CLOEXEC);
  return true;
}

/* A descriptor that is duplicated onto itself loses its close-on-exec flag, so the child inherits it. */
static int sys_spawn(lua_State *L, proc *p)
{
  const lua_Integer arguments = luaL_len(L, 1), handles = luaL_len(L, 2);
  char **argv = lua_newuserdatauv(L, ((size_t)arguments + 1) * sizeof *argv, 0);
  for (lua_Integer i = 0; i <= arguments; i++) argv[i] = (char *)argument(L, i + 1);
  pipe_end in = NO_PIPE, out = NO_PIPE;
  int error = open_pipe(&in, &p->in) && open_pipe(&p->out, &out) ? 0 : errno;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  for (lua_Integer i = 1; !error && i <= handles; i++) {
    const int fd = (int)handle_at(L, i);
    error = posix_spawn_file_actions_adddup2(&actions, fd, fd);
  }
  if (!error) error = posix_spawnp(&p->id, argv[0], &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  sys_close_pipe(&in);
  sys_close_pipe(&out);
  p->pid = p->id;
  p->running = error == 0;
  return error;
}

static int sys_read(const proc *p, char *data, size_t size, double deadline)
{
  struct pollfd end = {p->out, POLLIN, 0};
  while (p->out != NO_PIPE) {
    const double left = ceil((deadline - sys_now()) * 1000);
    const int ready = poll(&end, 1, (int)fmin(fmax(left, 0), 1e9));
    const ssize_t n = ready > 0 ? read(p->out, data, size) : ready;
    if (ready > 0 && n >= 0) return (int)n;
    if (n < 0 && errno != EINTR) break;
    if (sys_now() >= deadline) return TIMEOUT;
  }
  return ENDED;
}

/* SIGPIPE is ignored during the write, so that a child that has exited gives EPIPE and does not end this
** process. */
static int sys_write(const proc *p, const char *data, size_t size)
{
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  int error = 0;
  while (size > 0 && error == 0) {
    const ssize_t n = write(p->in, data, size);
    if (n < 0 && errno != EINTR) error = errno;
    if (n > 0) data += n, size -= (size_t)n;
  }
  signal(SIGPIPE, before);
  return error;
}

static void sys_kill(const proc *p)
{
  kill(p->id, SIGKILL);
}

/* POSIX has no portable wait for a child with a time-out, so this polls. */
static void sys_wait(proc *p, double deadline)
{
  int status = 0;
  pid_t got;
  while ((got = waitpid(p->id, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
    if (sys_now() >= deadline) return;
    sys_sleep(0.001);
  }
  p->running = false;
  p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  p->code = got < 0 ? -1 : WEXITSTATUS(status);
}

#endif

static proc *check_proc(lua_State *L)
{
  return luaL_checkudata(L, 1, PROC);
}

/* Exchanges environment variables of this process with those in the table on top of the stack (false: not
** set). A child that is started after that inherits them. A second call restores both. */
static void exchange_env(lua_State *L)
{
  const int env = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, env);) {
    lua_pushvalue(L, -2);
    sys_push_env(L, lua_tostring(L, -1));
    sys_set_env(L, lua_tostring(L, -2), lua_tostring(L, -3));
    lua_rawset(L, env);
    lua_pop(L, 1);
  }
}

static void check_spawn(lua_State *L)
{
  const lua_Integer arguments = luaL_len(L, 1);
  luaL_argcheck(L, arguments > 0, 1, "a program to start expected");
  for (lua_Integer i = 1; i <= arguments; i++) {
    luaL_argcheck(L, lua_geti(L, 1, i) == LUA_TSTRING, 1, "a program and arguments are strings");
    lua_pop(L, 1);
  }
  for (lua_Integer i = 1; i <= luaL_len(L, 2); i++) {
    lua_geti(L, 2, i);
    luaL_argcheck(L, lua_isinteger(L, -1), 1, "handles to inherit are integers");
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && (lua_isstring(L, -1) || !lua_toboolean(L, -1)), 1,
                  "env maps names to strings, or false");
}

/* spawn{ program, argument..., inherit = { handle... }, env = { NAME = value or false } } -> process */
static int process_spawn(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "inherit") == LUA_TNIL) lua_createtable(L, 0, 0), lua_replace(L, 2);
  if (lua_getfield(L, 1, "env") == LUA_TNIL) lua_createtable(L, 0, 0), lua_replace(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  check_spawn(L);
  proc *p = lua_newuserdatauv(L, sizeof *p, 1);
  *p = (proc){.in = NO_PIPE, .out = NO_PIPE};
  luaL_setmetatable(L, PROC);
  lua_pushliteral(L, ""); /* the bytes that were read from its stdout and not yet returned */
  lua_setiuservalue(L, 4, 1);
  lua_pushvalue(L, 3);
  exchange_env(L);
  const int error = sys_spawn(L, p);
  lua_pushvalue(L, 3);
  exchange_env(L);
  lua_settop(L, 4);
  return error ? luaL_error(L, "%s: %s", argument(L, 1), sys_push_error(L, error)) : 1;
}

/* Returns the first `length` bytes of the text on top of the stack as a line, and keeps the bytes from
** `skip` on. */
static int take_line(lua_State *L, size_t length, size_t skip)
{
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  lua_pushlstring(L, text + skip, size - skip);
  lua_setiuservalue(L, 1, 1);
  if (length > 0 && text[length - 1] == '\r') length--;
  lua_pushlstring(L, text, length);
  return 1;
}

/* p:read(timeout) -> a line without its end; nil, "timeout" | "eof" */
static int proc_read(lua_State *L)
{
  const proc *p = check_proc(L);
  const double deadline = sys_now() + luaL_checknumber(L, 2);
  for (;;) {
    char data[4096];
    size_t size;
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    const char *text = lua_tolstring(L, -1, &size);
    const char *end = memchr(text, '\n', size);
    if (end) return take_line(L, (size_t)(end - text), (size_t)(end - text) + 1);
    const int n = sys_read(p, data, sizeof data, deadline);
    if (n == ENDED && size > 0) return take_line(L, size, size);
    if (n <= 0) {
      lua_pushnil(L);
      lua_pushstring(L, n == ENDED ? "eof" : "timeout");
      return 2;
    }
    lua_pushlstring(L, data, (size_t)n);
    lua_concat(L, 2);
    lua_setiuservalue(L, 1, 1);
  }
}

/* p:write(text) -> true; nil, message if the process no longer reads */
static int proc_write(lua_State *L)
{
  size_t size;
  const proc *p = check_proc(L);
  const char *text = luaL_checklstring(L, 2, &size);
  const int error = sys_write(p, text, size);
  if (error) lua_pushnil(L), sys_push_error(L, error);
  else lua_pushboolean(L, true);
  return error ? 2 : 1;
}

/* p:close_input(): the process reads the end of its stdin */
static int proc_close_input(lua_State *L)
{
  sys_close_pipe(&check_proc(L)->in);
  return 0;
}

/* p:kill() */
static int proc_kill(lua_State *L)
{
  const proc *p = check_proc(L);
  if (p->running) sys_kill(p);
  return 0;
}

/* p:wait(timeout) -> exit code; nil, "signal", number; nil, "timeout" */
static int proc_wait(lua_State *L)
{
  proc *p = check_proc(L);
  const double deadline = sys_now() + luaL_checknumber(L, 2);
  if (p->running) sys_wait(p, deadline);
  if (!p->running && p->signal == 0) {
    lua_pushinteger(L, p->code);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, p->running ? "timeout" : "signal");
  if (p->running) return 2;
  lua_pushinteger(L, p->signal);
  return 3;
}

#if !defined(_WIN32)

/* p:stop() -> whether it has stopped (it may have ended first) */
static int proc_stop(lua_State *L)
{
  const proc *p = check_proc(L);
  siginfo_t info = {0};
  if (p->running) {
    kill(p->id, SIGSTOP);
    /* If the process has ended, WNOWAIT leaves its status for p:wait. */
    while (waitid(P_PID, (id_t)p->id, &info, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  }
  lua_pushboolean(L, info.si_code == CLD_STOPPED);
  return 1;
}

/* p:resume() */
static int proc_resume(lua_State *L)
{
  const proc *p = check_proc(L);
  if (p->running) kill(p->id, SIGCONT);
  return 0;
}

#endif

/* p:pid() */
static int proc_pid(lua_State *L)
{
  lua_pushinteger(L, check_proc(L)->pid);
  return 1;
}

/* Kills the process if it still runs, and closes its pipes. p:wait returns its status after that too. */
static int proc_close(lua_State *L)
{
  proc *p = check_proc(L);
  if (p->running) {
    sys_kill(p);
    sys_wait(p, HUGE_VAL);
  }
  sys_close_pipe(&p->in);
  sys_close_pipe(&p->out);
  return 0;
}

static int process_now(lua_State *L)
{
  lua_pushnumber(L, sys_now());
  return 1;
}

/* Seconds of processor time that this process has used. (On Windows os.clock counts elapsed time.) */
static int process_cpu(lua_State *L)
{
  lua_pushnumber(L, sys_cpu());
  return 1;
}

static int process_sleep(lua_State *L)
{
  sys_sleep(luaL_checknumber(L, 1));
  return 0;
}

/* This process's id. */
static int process_pid(lua_State *L)
{
  lua_pushinteger(L, sys_pid());
  return 1;
}

/* setenv(name, value): sets a variable in this process, where C's getenv finds it. */
static int process_setenv(lua_State *L)
{
  const char *name = luaL_checkstring(L, 1), *value = luaL_checkstring(L, 2);
#if defined(_WIN32)
  const int result = _putenv(lua_pushfstring(L, "%s=%s", name, value));
#else
  const int result = setenv(name, value, 1);
#endif
  return result == 0 ? 0 : luaL_error(L, "no variable's name: %s", name);
}

/* The number of descriptors or handles that this process has open. */
static int process_handles(lua_State *L)
{
  lua_pushinteger(L, sys_handles());
  return 1;
}

/* The number of threads of this process. */
static int process_threads(lua_State *L)
{
  lua_pushinteger(L, sys_threads());
  return 1;
}

/* poll(handle, seconds) -> whether it became readable (poll(2)), or signalled, within that time. */
static int process_poll(lua_State *L)
{
  lua_pushboolean(L, sys_is_signalled(luaL_checkinteger(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

/* protect(path, yes): makes a file read-only by the file's own attribute or mode, or (false) writable
** again. */
static int process_protect(lua_State *L)
{
  lua_pushboolean(L, sys_protect(luaL_checkstring(L, 1), lua_toboolean(L, 2)));
  return 1;
}

#if !defined(_WIN32)
/* fork(2): the id of the child, and 0 in the child. */
static int process_fork(lua_State *L)
{
  lua_pushinteger(L, fork());
  return 1;
}

/* umask(mask): sets the umask of this process to an integer. */
static int process_umask(lua_State *L)
{
  umask((mode_t)luaL_checkinteger(L, 1));
  return 0;
}

/* reap(pid): waits for a child of fork to end. */
static int process_reap(lua_State *L)
{
  while (waitpid((pid_t)luaL_checkinteger(L, 1), NULL, 0) < 0 && errno == EINTR) continue;
  return 0;
}

/* forked(body) -> exit code, or nil, "signal", number. Runs `body` in a forked process and waits for that
** process. Its exit code is the result of `body`, 0 if there is none, or 255 if `body` raises. */
static int process_forked(lua_State *L)
{
  int status = 0;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  const pid_t child = fork();
  if (child < 0) return luaL_error(L, "%s", strerror(errno));
  if (child == 0) {
    const bool failed = lua_pcall(L, 0, 1, 0) != LUA_OK;
    if (failed) fprintf(stderr, "in a forked process: %s\n", luaL_tolstring(L, -1, NULL));
    fflush(NULL);
    _exit(failed ? 255 : (int)lua_tointeger(L, -1));
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFSIGNALED(status)) {
    lua_pushinteger(L, WEXITSTATUS(status));
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, "signal");
  lua_pushinteger(L, WTERMSIG(status));
  return 3;
}

/* limit(which, count) -> the old limit. Sets a limit of this process: of "files" (open ones), "size" (of a
** file), "memory" (addresses) or "data". */
static int process_limit(lua_State *L)
{
  static const char *const names[] = {"files", "size", "memory", "data", NULL};
  static const int which[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA};
  const int resource = which[luaL_checkoption(L, 1, NULL, names)];
  const rlim_t wanted = (rlim_t)luaL_checkinteger(L, 2);
  struct rlimit r;
  if (getrlimit(resource, &r) != 0) return luaL_error(L, "%s", strerror(errno));
  const rlim_t before = r.rlim_cur;
  r.rlim_cur = wanted;
  if (setrlimit(resource, &r) != 0) return luaL_error(L, "%s", strerror(errno));
  lua_pushinteger(L, (lua_Integer)before);
  return 1;
}

#endif

#if defined(__linux__)
/* refuse(number) -> whether the system call of this number fails with ENOSYS from now on, in this process and
** its children. */
static int process_refuse(lua_State *L)
{
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)luaL_checkinteger(L, 1), 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return luaL_error(L, "%s", strerror(errno));
  lua_pushboolean(L, syscall((long)lua_tointeger(L, 1), NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS);
  return 1;
}

/* become(uid): makes this process another user's for good, without supplementary groups. Only root can. */
static int process_become(lua_State *L)
{
  const uid_t id = (uid_t)luaL_checkinteger(L, 1);
  if (setgroups(0, NULL) != 0 || setgid(id) != 0 || setuid(id) != 0)
    return luaL_error(L, "%s", strerror(errno));
  return 0;
}

/* effective_user(uid): changes the effective user id alone. A process whose real user is root can change
** it again. */
static int process_effective_user(lua_State *L)
{
  if (seteuid((uid_t)luaL_checkinteger(L, 1)) != 0) return luaL_error(L, "%s", strerror(errno));
  return 0;
}

/* limit_locked(bytes): limits the memory that this process can lock. Root too is limited, since the
** capability CAP_IPC_LOCK is dropped. */
static int process_limit_locked(lua_State *L)
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
  const rlim_t bytes = (rlim_t)luaL_checkinteger(L, 1);
  if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){bytes, bytes}) != 0 ||
      syscall(SYS_capget, &header, caps) != 0)
    return luaL_error(L, "%s", strerror(errno));
  caps[0].effective &= ~(1u << CAP_IPC_LOCK);
  if (syscall(SYS_capset, &header, caps) != 0) return luaL_error(L, "%s", strerror(errno));
  return 0;
}
#endif

#if defined(_WIN32)
__declspec(dllexport)
#endif
int luaopen_process(lua_State *L);

int luaopen_process(lua_State *L)
{
  static const luaL_Reg methods[] = {
    {"read", proc_read}, {"write", proc_write}, {"close_input", proc_close_input},
    {"kill", proc_kill}, {"wait", proc_wait}, {"pid", proc_pid}, {"close", proc_close},
#if !defined(_WIN32)
    {"stop", proc_stop}, {"resume", proc_resume},
#endif
    {"__gc", proc_close}, {"__close", proc_close}, {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
    {"spawn", process_spawn}, {"now", process_now}, {"cpu", process_cpu}, {"sleep", process_sleep},
    {"pid", process_pid}, {"handles", process_handles}, {"threads", process_threads}, 
    {"poll", process_poll}, {"protect", process_protect},
    {"setenv", process_setenv},
#if !defined(_WIN32)
    {"fork", process_fork}, {"reap", process_reap}, {"umask", process_umask},
    {"forked", process_forked}, {"limit", process_limit},
#endif
#if defined(__linux__)
    {"become", process_become}, {"refuse", process_refuse}, {"effective_user", process_effective_user},
    {"limit_locked", process_limit_locked},
#endif
    {NULL, NULL},
  };
  luaL_newmetatable(L, PROC);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "methods"); /* spec.support adds more */
  return 1;
}
