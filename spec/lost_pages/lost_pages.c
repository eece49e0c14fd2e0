/* Lost pages and SIGBUS: a program in C that uses filemap's library as a host program does, with its own
** handlers, threads, limits and signals.
**
**   lost_pages CASE [library]
**
** Each case runs in a process of its own. It prints "holds" if it succeeds. Some cases must be ended by
** SIGBUS instead. `library` is the path of a second copy of the library, which is loaded and unloaded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/filemap.h"

static size_t page;

static void check(bool holds, const char *what)
{
  if (holds) return;
  printf("%s\n", what);
  exit(1);
}

/* {-- Lost pages -------------------------------------------------------------------------------- */

typedef struct lost {
  fm_map *map;
  fm_view view;
} lost;

static void cut(const fm_map *m)
{
  check(ftruncate((int)fm_map_handle(m), 0) == 0, "it cannot be cut");
}

/* Makes a view of some pages, which are committed or only reserved. */
static lost make(size_t pages, bool commit)
{
  lost l;
  fm_options o = fm_default_options();
  fm_error e;
  o.commit = commit;
  check(fm_create(&l.map, NULL, pages * page, &o, &e) == FM_OK, e.detail);
  check(fm_view_open(&l.view, l.map, 0, pages * page, FM_RW, &e) == FM_OK, e.detail);
  return l;
}

static lost make_lost(size_t pages)
{
  const lost l = make(pages, true);
  cut(l.map);
  return l;
}

static void drop(lost *l)
{
  fm_view_close(&l->view);
  fm_map_close(l->map);
}

static unsigned char touch(const volatile unsigned char *at)
{
  return *at;
}

static void check_survives(lost *l)
{
  check(touch(l->view.data) == 0 && fm_view_is_lost(&l->view), "a lost page did not read 0, and say so");
  drop(l);
}

/* Maps a lost page that is outside any view. */
static unsigned char *elsewhere(void)
{
  const int fd = memfd_create("elsewhere", MFD_CLOEXEC);
  check(fd >= 0 && ftruncate(fd, (off_t)page) == 0, "no memory elsewhere");
  unsigned char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  check(p != MAP_FAILED && ftruncate(fd, 0) == 0, "no memory elsewhere");
  close(fd);
  return p;
}

/* {-- The host's handlers ----------------------------------------------------------------------- */

static volatile sig_atomic_t called;
static void *volatile called_for;

static void mend(void *address)
{
  void *start = (void *)((uintptr_t)address / page * page);
  mmap(start, page, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool is_blocked(int number)
{
  sigset_t now;
  return pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
  check(number == SIGBUS && context, "a handler was called with something else");
  called++;
  called_for = info->si_addr;
  if (info->si_code > 0) mend(info->si_addr);
}

static void on_masked_fault(int number, siginfo_t *info, void *context)
{
  check(is_blocked(SIGBUS) && is_blocked(SIGUSR1), "what was to be blocked in the handler is not");
  on_fault(number, info, context);
}

static jmp_buf out;

static void on_plain_fault(int number)
{
  check(number == SIGBUS, "a handler was called with something else");
  called++;
  siglongjmp(out, 1);
}

static void on_one_fault(int number)
{
  (void)number;
  called++; /* the access faults again, and there is no handler any more */
}

static void install(void (*handler)(int, siginfo_t *, void *), int flags, int also)
{
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  sigemptyset(&a.sa_mask);
  if (also) sigaddset(&a.sa_mask, also);
  sigaction(SIGBUS, &a, NULL);
}

/* The host's handler gets faults outside views, and filemap's handler gets faults inside views. */
static void check_both(void)
{
  const sig_atomic_t before = called;
  lost l = make_lost(1);
  unsigned char *p = elsewhere();
  check(touch(p + 5) == 0 && called == before + 1 && called_for == p + 5,
        "the handler before was not called");
  check_survives(&l);
  check(called == before + 1, "the handler before was called for a view");
  p[5] = 1; /* writes to the page that the handler mapped */
}

static void case_siginfo(void)
{
  install(on_fault, 0, 0);
  check_both();
  raise(SIGBUS);
  kill(getpid(), SIGBUS);
  check(called == 3, "the handler before was not called for what is no fault");
}

static void case_masks(void)
{
  install(on_masked_fault, 0, SIGUSR1);
  check_both();
  check(!is_blocked(SIGBUS) && !is_blocked(SIGUSR1), "what was blocked in the handler still is");
}

static void case_plain(void)
{
  signal(SIGBUS, on_plain_fault);
  lost l = make_lost(1);
  volatile int rounds = 0;
  if (sigsetjmp(out, 1) < 1 || rounds < 3) {
    rounds++;
    touch(elsewhere());
    check(false, "nobody jumped out of the fault");
  }
  check(called == 3, "the handler before was not called each time");
  check_survives(&l);
}

static void on_any(int number, siginfo_t *info, void *context)
{
  (void)number, (void)context;
  called++;
  called_for = info->si_addr;
}

/* A fault inside a view that is not caused by a lost page. It is sent as a signal with the code that a
** processor gives for an unaligned address. */
static void case_misaligned(void)
{
  install(on_any, 0, 0);
  lost l = make(1, true);
  siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_ADRALN};
  info.si_addr = l.view.data + 1;
  l.view.data[5] = 42;
  check(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info) == 0,
        "it cannot be sent");
  check(called == 1 && called_for == l.view.data + 1, "the handler before was not called");
  check(l.view.data[5] == 42 && !fm_view_is_lost(&l.view), "a view that is whole is lost");
  drop(&l);
}

static int answers[2];

static void on_answered(int number)
{
  (void)number;
  check(write(answers[1], "", 1) == 1, "no answer");
}

/* A read(2) must not be interrupted by many signals. */
static void read_under_signals(bool answered)
{
  int words[2];
  char c;
  lost l = make_lost(1);
  check_survives(&l);
  check(pipe(words) == 0, "no pipe");
  const pid_t reader = getpid(), child = fork();
  if (child == 0) {
    for (int i = 0; i < 300; i++) {
      kill(reader, SIGBUS);
      if (answered) check(read(answers[0], &c, 1) == 1, "no answer");
      else sched_yield();
    }
    _exit(write(words[1], "", 1) != 1);
  }
  const ssize_t n = read(words[0], &c, 1);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  check(n == 1, "a call of the system was broken off");
}

static void case_restarted(void)
{
  struct sigaction a = {.sa_handler = on_answered, .sa_flags = SA_RESTART};
  sigaction(SIGBUS, &a, NULL);
  check(pipe(answers) == 0, "no pipe");
  read_under_signals(true);
}

static void case_undisturbed(void)
{
  signal(SIGBUS, SIG_IGN);
  read_under_signals(false);
}

/* {-- Cases in which SIGBUS ends the process ---------------------------------------------------- */

static void case_once(void)
{
  struct sigaction a = {.sa_handler = on_one_fault, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGBUS, &a, NULL);
  lost l = make_lost(1);
  check_survives(&l);
  touch(elsewhere());
}

static void case_default(void)
{
  lost l = make_lost(1);
  check_survives(&l);
  touch(elsewhere());
}

static void case_default_raised(void)
{
  lost l = make_lost(1);
  check_survives(&l);
  raise(SIGBUS);
}

static void case_default_sent(void)
{
  lost l = make_lost(1);
  check_survives(&l);
  if (fork() == 0) {
    kill(getppid(), SIGBUS);
    _exit(0);
  }
  for (;;) pause();
}

/* SIG_DFL with the flag SA_SIGINFO. */
static void case_default_flagged(void)
{
  struct sigaction a = {.sa_handler = SIG_DFL, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &a, NULL);
  case_default();
}

/* Where SIGBUS is ignored, a signal that was sent is ignored, but a fault is not. */
static void case_ignored(void)
{
  signal(SIGBUS, SIG_IGN);
  lost l = make_lost(1);
  check_survives(&l);
  raise(SIGBUS);
  printf("ignored\n");
  fflush(stdout);
  touch(elsewhere());
}

/* {-- A handler that the host installs later ---------------------------------------------------- */

static struct sigaction ours;
static unsigned char *theirs;

static void on_later_fault(int number, siginfo_t *info, void *context)
{
  if ((unsigned char *)info->si_addr == theirs) on_fault(number, info, context);
  else ours.sa_sigaction(number, info, context);
}

/* The later handler passes on the faults of views, which filemap's handler handles. */
static void case_later(void)
{
  lost l = make_lost(1), second = make_lost(1);
  check_survives(&l);
  sigaction(SIGBUS, NULL, &ours);
  check(ours.sa_flags & SA_SIGINFO, "ours cannot be called by one that chains");
  install(on_later_fault, 0, 0);
  theirs = elsewhere();
  check(touch(theirs) == 0 && called == 1, "the later handler was not called");
  check_survives(&second);
  lost third = make_lost(1); /* filemap does not install its handler again */
  check_survives(&third);
  check(called == 1, "the later handler was called for a view");
}

/* A later handler that passes nothing on gets the faults of views too. Then lost pages raise no error, as
** documented. */
static void case_later_alone(void)
{
  lost l = make_lost(1);
  check_survives(&l);
  install(on_fault, 0, 0);
  lost second = make_lost(1);
  touch(second.view.data);
  check(called == 1 && !fm_view_is_lost(&second.view), "the later handler was not left alone");
  drop(&second);
}

/* {-- Threads ----------------------------------------------------------------------------------- */

enum { FAULTING = 6, ROUNDS = 300, OPENING = 2 };
static atomic_bool stop;

static void *fault_again_and_again(void *unused)
{
  for (int i = 0; i < ROUNDS; i++) {
    lost a = make_lost(3), b = make(1, true);
    fm_view slice;
    check(fm_view_sub(&slice, &a.view, page + 9, page, FM_RW, NULL) == FM_OK, "no slice");
    check(touch(slice.data) == 0 && fm_view_is_lost(&a.view) && fm_view_is_lost(&slice),
          "a slice is not lost");
    memset(a.view.data, 1, 3 * page);
    memset(b.view.data, 2, page);
    check(b.view.data[page - 1] == 2 && !fm_view_is_lost(&b.view), "a view that is whole is lost");
    fm_view_close(&slice);
    drop(&a);
    drop(&b);
  }
  return unused;
}

static void *open_again_and_again(void *unused)
{
  enum { SOME = 150 };
  static _Thread_local lost some[SOME];
  while (!stop) {
    for (int i = 0; i < SOME; i++) some[i] = make(1, true);
    for (int i = 0; i < SOME; i++) drop(&some[i]);
  }
  return unused;
}

/* All threads access the lost pages of one view at once. */
static void *fault_together(void *view)
{
  fm_view *v = view;
  for (size_t i = 0; i < v->size; i += page) v->data[i] = 1;
  check(fm_view_is_lost(v), "it is not lost");
  return NULL;
}

static void case_threads(void)
{
  pthread_t threads[FAULTING + OPENING];
  install(on_fault, 0, 0);
  for (int i = 0; i < FAULTING; i++) pthread_create(&threads[i], NULL, fault_again_and_again, NULL);
  for (int i = 0; i < OPENING; i++) pthread_create(&threads[FAULTING + i], NULL, open_again_and_again, NULL);
  for (int i = 0; i < FAULTING; i++) pthread_join(threads[i], NULL);
  stop = true;
  for (int i = 0; i < OPENING; i++) pthread_join(threads[FAULTING + i], NULL);
  for (int round = 0; round < 20; round++) {
    lost l = make_lost(100);
    for (int i = 0; i < FAULTING; i++) pthread_create(&threads[i], NULL, fault_together, &l.view);
    for (int i = 0; i < FAULTING; i++) pthread_join(threads[i], NULL);
    drop(&l);
  }
  check(called == 0, "the handler before was called for a view");
}

/* Some hosts start threads that block all signals. A fault whose signal is blocked ends the process,
** whatever the handler is, so filemap must unblock it. */
static void *open_blocked(void *unused)
{
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  lost l = make_lost(1);
  check_survives(&l);
  return unused;
}

static void case_blocked(void)
{
  pthread_t thread;
  lost l = make_lost(1);
  check_survives(&l);
  pthread_create(&thread, NULL, open_blocked, NULL);
  pthread_join(thread, NULL);
}

/* {-- Signals in signals ------------------------------------------------------------------------ */

enum { NESTED = 4000 };
static lost in_alarm;
static atomic_size_t alarms;

/* Runs at any moment: in filemap's handler, in mmap, while a view is opened. */
static void on_alarm(int number)
{
  const int saved = errno;
  (void)number;
  if (alarms < NESTED) check(touch(in_alarm.view.data + alarms++ * page) == 0, "a lost page did not read 0");
  errno = saved;
}

static void case_nested(void)
{
  const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
  struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  install(on_fault, SA_NODEFER, 0); /* else SIGBUS is blocked in signals that interrupt it */
  in_alarm = make_lost(NESTED);
  sigaction(SIGALRM, &a, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  while (alarms < NESTED) {
    lost l = make_lost(8);
    for (size_t i = 0; i < 8; i++) {
      errno = 77;
      check(touch(l.view.data + i * page) == 0, "a lost page did not read 0");
      check(errno == 77, "errno is not what it was");
    }
    touch(elsewhere());
    drop(&l);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  check(fm_view_is_lost(&in_alarm.view), "it is not lost");
}

/* The least stack that a signal needs. The constant may be too small for the processor's registers. */
static size_t least_stack(void)
{
  const size_t told = getauxval(AT_MINSIGSTKSZ), constant = (size_t)MINSIGSTKSZ;
  return told > constant ? told : constant;
}

/* The handlers run on an alternate stack of about the minimum size. */
static void *fault_on_small_stack(void *unused)
{
  const size_t size = least_stack() + 1024;
  const stack_t stack = {.ss_sp = malloc(size), .ss_size = size}, none = {.ss_flags = SS_DISABLE};
  check(sigaltstack(&stack, NULL) == 0, "no stack");
  lost l = make_lost(1);
  check_survives(&l);
  check_both();
  sigaltstack(&none, NULL);
  free(stack.ss_sp);
  return unused;
}

static void case_altstack(void)
{
  pthread_t thread;
  install(on_fault, SA_ONSTACK, 0);
  pthread_create(&thread, NULL, fault_on_small_stack, NULL);
  pthread_join(thread, NULL);
}

/* {-- Limits ------------------------------------------------------------------------------------ */

/* If the handler replaced pages one by one, there would be more mappings than the 65530 that a process may
** have. */
static void case_mappings(void)
{
  enum { PAGES = 150000 };
  lost l = make(PAGES, false);
  cut(l.map);
  for (size_t i = 0; i < PAGES; i += 2)
    check(touch(l.view.data + i * page) == 0, "a lost page did not read 0");
  check_survives(&l);
}

static void limit(int which, const char *key)
{
  char line[200];
  rlim_t now = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, key, strlen(key)) == 0) now = strtoul(line + strlen(key), NULL, 10) * 1024;
  if (f) fclose(f);
  check(now > 0 && setrlimit(which, &(struct rlimit){now, now}) == 0, "no limit can be set");
  check(mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
        "no limit");
}

static void case_limits(void)
{
  lost l = make_lost(4), second = make_lost(4);
  limit(RLIMIT_DATA, "VmData:");
  check_survives(&l);
  limit(RLIMIT_AS, "VmSize:");
  memset(second.view.data, 1, 4 * page);
  check(fm_view_is_lost(&second.view), "it is not lost");
}

/* {-- Forks, and other copies of the library ---------------------------------------------------- */

static void case_fork(void)
{
  lost l = make(2, true);
  cut(l.map);
  const pid_t child = fork();
  int status = -1;
  if (child == 0) {
    check_survives(&l);
    lost more = make_lost(1);
    check_survives(&more);
    _exit(0);
  }
  waitpid(child, &status, 0);
  check(status == 0, "a forked child did not survive");
  check(!fm_view_is_lost(&l.view), "what a child touched is lost here");
  check_survives(&l);
}

typedef struct copy {
  void *handle;
  int (*create)(fm_map **, const char *, uint64_t, const fm_options *, fm_error *);
  int (*view)(fm_view *, fm_map *, uint64_t, uint64_t, int, fm_error *);
  intptr_t (*handle_of)(const fm_map *);
  void (*close_view)(fm_view *);
  void (*close_map)(fm_map *);
} copy;

static copy load(const char *library)
{
  copy c = {.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL)};
  check(c.handle, "it cannot be loaded");
  *(void **)&c.create = dlsym(c.handle, "fm_create");
  *(void **)&c.view = dlsym(c.handle, "fm_view_open");
  *(void **)&c.handle_of = dlsym(c.handle, "fm_map_handle");
  *(void **)&c.close_view = dlsym(c.handle, "fm_view_close");
  *(void **)&c.close_map = dlsym(c.handle, "fm_map_close");
  check(c.create != fm_create && c.close_map, "it is not a copy");
  return c;
}

static void check_copy(const copy *c)
{
  const fm_options o = fm_default_options();
  fm_map *m;
  fm_view v;
  check(c->create(&m, NULL, page, &o, NULL) == FM_OK && c->view(&v, m, 0, page, FM_RW, NULL) == FM_OK,
        "no view");
  check(ftruncate((int)c->handle_of(m), 0) == 0, "it cannot be cut");
  check(touch(v.data) == 0 && fm_view_is_lost(&v), "a copy's lost page did not read 0, and say so");
  c->close_view(&v);
  c->close_map(m);
}

/* The handler of an unloaded copy stays installed, so its code must stay loaded. */
static void case_unloaded(const char *library)
{
  install(on_fault, 0, 0);
  for (int i = 0; i < 3; i++) {
    copy c = load(library);
    check_copy(&c);
    dlclose(c.handle);
    touch(elsewhere());
    check(called == i + 1, "the handler before was not called");
  }
}

static void case_copies(const char *library)
{
  install(on_fault, 0, 0);
  check_both();
  copy c = load(library);
  check_copy(&c);
  check_both();
  check_copy(&c);
}

int main(int argc, char **argv)
{
  static const struct { const char *name; void (*run)(void); void (*with)(const char *); } cases[] = {
    {"siginfo", case_siginfo, NULL}, {"masks", case_masks, NULL}, {"plain", case_plain, NULL},
    {"misaligned", case_misaligned, NULL}, {"restarted", case_restarted, NULL},
    {"undisturbed", case_undisturbed, NULL},
    {"once", case_once, NULL}, {"default", case_default, NULL}, {"default-raised", case_default_raised, NULL},
    {"default-sent", case_default_sent, NULL}, {"default-flagged", case_default_flagged, NULL},
    {"ignored", case_ignored, NULL}, {"later", case_later, NULL}, {"later-alone", case_later_alone, NULL},
    {"threads", case_threads, NULL}, {"blocked", case_blocked, NULL}, {"nested", case_nested, NULL},
    {"altstack", case_altstack, NULL}, {"mappings", case_mappings, NULL}, {"limits", case_limits, NULL},
    {"fork", case_fork, NULL}, {"unloaded", NULL, case_unloaded}, {"copies", NULL, case_copies},
  };
  page = fm_page_size();
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* cases that end by a signal leave no core file */
  for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++) {
    if (strcmp(argv[1], cases[i].name) != 0) continue;
    if (cases[i].run) cases[i].run();
    else cases[i].with(argv[2]);
    printf("holds\n");
    return 0;
  }
  return 2;
}
