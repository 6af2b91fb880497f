/*
 * An addon whose functions sleep for so many milliseconds in a system call that the kernel never restarts after a signal
 * (signal(7)), or that returns short then, and tell whether one interrupted it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../node_api.h"

int napi_get_boolean(env, bool, value *);

/* 0, or EINTR. */
typedef int (*sleeper)(const struct timespec *);

static int result(int failed) { return failed ? errno : 0; }

/* A time-out is what these calls wait for. */
static int unless(int expected, int error) { return error == expected ? 0 : error; }

static int by_nanosleep(const struct timespec *time) { return result(nanosleep(time, NULL) != 0); }

static int by_poll(const struct timespec *time) { return result(poll(NULL, 0, time->tv_nsec / 1000000) != 0); }

static int by_ppoll(const struct timespec *time) { return result(ppoll(NULL, 0, time, NULL) != 0); }

static int by_select(const struct timespec *time) {
  struct timeval limit = {0, time->tv_nsec / 1000};
  return result(select(0, NULL, NULL, NULL, &limit) != 0);
}

static int by_sigtimedwait(const struct timespec *time) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMAX);
  return unless(EAGAIN, result(sigtimedwait(&set, NULL, time) < 0));
}

static int by_recv(const struct timespec *time) {
  static int pair[2];
  if (pair[0] == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return errno;
  struct timeval limit = {0, time->tv_nsec / 1000};
  if (setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return errno;
  char byte;
  return unless(EAGAIN, result(recv(pair[0], &byte, 1, 0) < 0));
}

static int by_sem_timedwait(const struct timespec *time) {
  static sem_t semaphore;
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_nsec += time->tv_nsec;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  return unless(ETIMEDOUT, result(sem_timedwait(&semaphore, &end) != 0));
}

static int by_semtimedop(const struct timespec *time) {
  static int set = -1;
  if (set < 0) {
    set = semget(IPC_PRIVATE, 1, 0600);
    if (set < 0) return errno;
  }
  struct sembuf take = {0, -1, 0};
  return unless(EAGAIN, result(semtimedop(set, &take, 1, time) != 0));
}

/* Twice what a pipe holds. */
static char bytes[128 * 1024];
static int pipe_ends[2];

static void *drain(void *time) {
  static char read_bytes[sizeof bytes];
  nanosleep(time, NULL);
  for (size_t left = sizeof bytes; left > 0;) {
    ssize_t count = read(pipe_ends[0], read_bytes, left);
    if (count <= 0) break;
    left -= count;
  }
  return NULL;
}

/* A write that waits for its reader. */
static int by_write(const struct timespec *time) {
  if (pipe_ends[0] == 0 && pipe(pipe_ends) != 0) return errno;
  pthread_t reader;
  if (pthread_create(&reader, NULL, drain, (void *)time) != 0) return errno;
  size_t written = 0;
  int writes = 0;
  for (; written < sizeof bytes; writes++) {
    ssize_t count = write(pipe_ends[1], bytes + written, sizeof bytes - written);
    if (count < 0 && errno != EINTR) break;
    if (count > 0) written += count;
  }
  pthread_join(reader, NULL);
  return writes == 1 ? 0 : EINTR;
}

static value call(env env, callback_info info) {
  size_t count = 1;
  value argument, interrupted;
  void *data;
  double milliseconds;
  napi_get_cb_info(env, info, &count, &argument, NULL, &data);
  napi_get_value_double(env, argument, &milliseconds);
  struct timespec time = {0, milliseconds * 1e6};
  napi_get_boolean(env, ((sleeper)data)(&time) != 0, &interrupted);
  return interrupted;
}

__attribute__((visibility("default"))) value napi_register_module_v1(env env, value exports) {
  static const struct {
    const char *name;
    sleeper sleep;
  } calls[] = {
      {"nanosleep", by_nanosleep},     {"poll", by_poll}, {"ppoll", by_ppoll},
      {"select", by_select},           {"recv", by_recv}, {"sigtimedwait", by_sigtimedwait},
      {"semtimedop", by_semtimedop},   {"sem_timedwait", by_sem_timedwait}, {"write", by_write},
  };
  for (size_t place = 0; place < sizeof calls / sizeof *calls; place++) {
    value function;
    napi_create_function(env, calls[place].name, (size_t)-1, call, (void *)calls[place].sleep, &function);
    napi_set_named_property(env, exports, calls[place].name, function);
  }
  return exports;
}
