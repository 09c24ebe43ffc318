/*
 * Counts the calls by which a program changes files, and at a chosen one kills the program or lets the call fail. Loaded by
 * LD_PRELOAD; knows nothing of the program. From the environment:
 *
 *   FAULT_PROGRAM  only a process whose command line holds these words counts
 *   FAULT_CALLS    the calls that count, of: open (to write), look (open to read), read, write, sync, make (rename, link,
 *                  mkdir ...), remove (unlink, rmdir, chmod)
 *   FAULT_UNDER    only on paths that begin so
 *   FAULT_NAME     only on paths that hold this
 *   FAULT_AT       the number of the call, over all such processes; 0: only count, and note the path of each in "calls"
 *   FAULT_DO       before | after (kill -9), once:N | from:N (errno N at that call, or at that one and all that follow)
 *   FAULT_DIR      where "count" grows by a byte a call, and "fired" is made when it happened; once "over" is there, all is well
 *   FAULT_CLOCK    a file that begins with a number of eight bytes: the seconds by which the wall clock of such a process is wrong,
 *                  from the moment on at which they are written there
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum verdict { PASS, FAIL, AFTER };

static int active;
static const char *calls, *under, *name, *what;
static long at;
static const volatile int64_t *wrong_by;
static char count_path[PATH_MAX], calls_path[PATH_MAX], fired_path[PATH_MAX], over_path[PATH_MAX];

static const char *get(const char *key) {
  const char *value = getenv(key);
  return value == NULL ? "" : value;
}

/* The file's number, as it is at any time; NULL where no file is named. */
static const volatile int64_t *clock_in(const char *path) {
  int fd = *path == 0 ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  void *there = mmap(NULL, sizeof *wrong_by, PROT_READ, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  return there == MAP_FAILED ? NULL : there;
}

__attribute__((constructor)) static void begin(void) {
  char line[8192];
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  long size = syscall(SYS_read, fd, line, sizeof line - 1);
  syscall(SYS_close, fd);
  if (size <= 0) return;
  for (long i = 0; i < size; i++)
    if (line[i] == 0) line[i] = ' ';
  line[size] = 0;
  const char *program = get("FAULT_PROGRAM");
  if (*program == 0 || strstr(line, program) == NULL) return;
  calls = strdup(get("FAULT_CALLS"));
  under = strdup(get("FAULT_UNDER"));
  name = strdup(get("FAULT_NAME"));
  what = strdup(get("FAULT_DO"));
  at = atol(get("FAULT_AT"));
  snprintf(count_path, sizeof count_path, "%s/count", get("FAULT_DIR"));
  snprintf(calls_path, sizeof calls_path, "%s/calls", get("FAULT_DIR"));
  snprintf(fired_path, sizeof fired_path, "%s/fired", get("FAULT_DIR"));
  snprintf(over_path, sizeof over_path, "%s/over", get("FAULT_DIR"));
  wrong_by = clock_in(get("FAULT_CLOCK"));
  active = 1;
}

static void die(void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

/* The number of this call over all processes: where the appended byte came to lie. */
static long number(void) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, count_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  syscall(SYS_write, fd, ".", 1);
  long end = syscall(SYS_lseek, fd, 0, SEEK_CUR);
  syscall(SYS_close, fd);
  return end;
}

/* In one write, so that no two processes write into each other's lines. */
static void note(const char *path) {
  char line[PATH_MAX + 1];
  int size = snprintf(line, sizeof line, "%s\n", path);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, calls_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  syscall(SYS_write, fd, line, size);
  syscall(SYS_close, fd);
}

static enum verdict judge(const char *call, const char *path) {
  if (!active || path == NULL || strstr(calls, call) == NULL) return PASS;
  char full[PATH_MAX];
  if (path[0] != '/') {
    char here[PATH_MAX];
    if (syscall(SYS_getcwd, here, sizeof here) <= 0) return PASS;
    if (snprintf(full, sizeof full, "%s/%s", here, path) >= (int)sizeof full) return PASS;
    path = full;
  }
  if (strncmp(path, under, strlen(under)) != 0 || strstr(path, name) == NULL) return PASS;
  int before = errno;
  if (at == 0) note(path);
  long n = at == 0 ? 0 : number();
  errno = before;
  if (at == 0 || n < at) return PASS;
  if (syscall(SYS_faccessat, AT_FDCWD, over_path, F_OK) == 0) return PASS;
  errno = before;
  int always = strncmp(what, "from:", 5) == 0;
  if (syscall(SYS_mkdirat, AT_FDCWD, fired_path, 0700) != 0 && !always) {
    errno = before;
    return PASS;
  }
  if (strcmp(what, "before") == 0) die();
  if (strcmp(what, "after") == 0) return AFTER;
  errno = atoi(strchr(what, ':') + 1);
  return FAIL;
}

static enum verdict judge_fd(const char *call, int fd) {
  char link[64], path[PATH_MAX];
  if (!active) return PASS;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (size <= 0) return PASS;
  path[size] = 0;
  // Pipes, sockets and the like are no files.
  return path[0] == '/' ? judge(call, path) : PASS;
}

#define REAL(function) \
  static __typeof__(&function) real; \
  if (real == NULL) real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

#define PASS_ON(type, judgement, call) \
  enum verdict judged = judgement; \
  if (judged == FAIL) return -1; \
  type result = call; \
  if (judged == AFTER) die(); \
  return result

static int changes(int flags) {
  return (flags & (O_CREAT | O_WRONLY | O_RDWR | O_TRUNC)) != 0;
}

#define OPEN(function) \
  int function(const char *path, int flags, ...) { \
    REAL(function); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = va_arg(list, mode_t); \
    va_end(list); \
    PASS_ON(int, judge(changes(flags) ? "open" : "look", path), real(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

ssize_t read(int fd, void *bytes, size_t size) {
  REAL(read);
  PASS_ON(ssize_t, judge_fd("read", fd), real(fd, bytes, size));
}
ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  REAL(pread);
  PASS_ON(ssize_t, judge_fd("read", fd), real(fd, bytes, size, offset));
}
ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset) {
  REAL(pread64);
  PASS_ON(ssize_t, judge_fd("read", fd), real(fd, bytes, size, offset));
}
ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
  PASS_ON(ssize_t, judge_fd("write", fd), real(fd, bytes, size));
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  REAL(pwrite);
  PASS_ON(ssize_t, judge_fd("write", fd), real(fd, bytes, size, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  REAL(pwrite64);
  PASS_ON(ssize_t, judge_fd("write", fd), real(fd, bytes, size, offset));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  PASS_ON(ssize_t, judge_fd("write", fd), real(fd, parts, count));
}
int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  PASS_ON(int, judge_fd("write", fd), real(fd, size));
}
int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  PASS_ON(int, judge_fd("write", fd), real(fd, size));
}
int fsync(int fd) {
  REAL(fsync);
  PASS_ON(int, judge_fd("sync", fd), real(fd));
}
int fdatasync(int fd) {
  REAL(fdatasync);
  PASS_ON(int, judge_fd("sync", fd), real(fd));
}
int fchmod(int fd, mode_t mode) {
  REAL(fchmod);
  PASS_ON(int, judge_fd("remove", fd), real(fd, mode));
}
int chmod(const char *path, mode_t mode) {
  REAL(chmod);
  PASS_ON(int, judge("remove", path), real(path, mode));
}
int rename(const char *from, const char *to) {
  REAL(rename);
  PASS_ON(int, judge("make", to), real(from, to));
}
int link(const char *from, const char *to) {
  REAL(link);
  PASS_ON(int, judge("make", to), real(from, to));
}
int symlink(const char *target, const char *path) {
  REAL(symlink);
  PASS_ON(int, judge("make", path), real(target, path));
}
int unlink(const char *path) {
  REAL(unlink);
  PASS_ON(int, judge("remove", path), real(path));
}
int rmdir(const char *path) {
  REAL(rmdir);
  PASS_ON(int, judge("remove", path), real(path));
}
int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  PASS_ON(int, judge("make", path), real(path, mode));
}

/* Clocks: asked of the kernel, since a call of libc would come back here. Only the time of day is wrong. */
static int tell(clockid_t clock, struct timespec *at_time) {
  int answer = (int)syscall(SYS_clock_gettime, clock, at_time);
  int is_of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (answer == 0 && active && is_of_day && wrong_by != NULL) at_time->tv_sec += *wrong_by;
  return answer;
}
int clock_gettime(clockid_t clock, struct timespec *at_time) {
  return tell(clock, at_time);
}
int gettimeofday(struct timeval *restrict at_time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (tell(CLOCK_REALTIME, &now) != 0) return -1;
  at_time->tv_sec = now.tv_sec;
  at_time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at_time) {
  struct timespec now;
  if (tell(CLOCK_REALTIME, &now) != 0) return -1;
  if (at_time != NULL) *at_time = now.tv_sec;
  return now.tv_sec;
}
