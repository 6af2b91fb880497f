/*
 * An addon that calls fork(2). V8 keeps its memory from a fork (MADV_DONTFORK), so the child runs no JavaScript; it does what such
 * addons do: works, then ends or becomes another program. Not by exit(3), whose handlers wait for threads that a fork has not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../node_api.h"

int napi_create_double(env, double, value *);

static void burn(double milliseconds) {
  struct timespec now;
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  while (now.tv_sec * 1e3 + now.tv_nsec / 1e6 < milliseconds);
}

static void by_exit(void) { _exit(5); }

static void by_terminal_signal(void) { kill(getpid(), SIGTERM); }

static void by_abort(void) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  abort();
}

static void by_exec(void) { execlp("sh", "sh", "-c", "exit 5", (char *)NULL); }

/* A daemon: the child of the child goes on alone. */
static void by_second_fork(void) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) {
    burn(50);
    _exit(5);
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  _exit(WEXITSTATUS(status));
}

/* Works for so many milliseconds in a fork that ends in this way; its exit code, or its signal as a negative number. */
static value call(env env, callback_info info) {
  size_t count = 1;
  value argument, result;
  void *data;
  double milliseconds = 0;
  int status = 0;
  napi_get_cb_info(env, info, &count, &argument, NULL, &data);
  napi_get_value_double(env, argument, &milliseconds);
  pid_t child = fork();
  if (child == 0) {
    burn(milliseconds);
    ((void (*)(void))data)();
    _exit(6);
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  napi_create_double(env, WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), &result);
  return result;
}

__attribute__((visibility("default"))) value napi_register_module_v1(env env, value exports) {
  static const struct {
    const char *name;
    void (*end)(void);
  } ends[] = {
      {"exit", by_exit}, {"terminalSignal", by_terminal_signal}, {"abort", by_abort},
      {"exec", by_exec}, {"secondFork", by_second_fork},
  };
  for (size_t place = 0; place < sizeof ends / sizeof *ends; place++) {
    value function;
    napi_create_function(env, ends[place].name, (size_t)-1, call, (void *)ends[place].end, &function);
    napi_set_named_property(env, exports, ends[place].name, function);
  }
  return exports;
}
