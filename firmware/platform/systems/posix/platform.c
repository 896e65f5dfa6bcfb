/* A computer with an operating system: files are files, the console is standard input and output, time is nanoseconds.
 */
#define _POSIX_C_SOURCE 199309L
#define _DEFAULT_SOURCE

#include "eq_console.h"
#include "eq_platform.h"

#include <stdio.h>
#include <time.h>

#ifdef __linux__
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { MAX_FILES = 4 };

static FILE *files[MAX_FILES];

int eq_platform_open(const char *path, int writing)
{
    for (int i = 0; i < MAX_FILES; i++) {
        if (!files[i]) {
            files[i] = fopen(path, writing ? "wb" : "rb");
            return files[i] ? i : EQ_NO_FILE;
        }
    }
    return EQ_NO_FILE;
}

size_t eq_platform_read(int file, void *data, size_t bytes)
{
    return fread(data, 1, bytes, files[file]);
}

size_t eq_platform_write(int file, const void *data, size_t bytes)
{
    /* Flushed, so that a full disk shows here and not at close. */
    const size_t done = fwrite(data, 1, bytes, files[file]);
    return fflush(files[file]) ? 0 : done;
}

void eq_platform_close(int file)
{
    (void)fclose(files[file]);
    files[file] = NULL;
}

void eq_platform_message(const char *text)
{
    (void)fputs(text, stderr);
}

void eq_console_init(void)
{
}

int eq_console_read_byte(void)
{
    const int byte = getchar();
    return byte == EOF ? EQ_CONSOLE_ENDED : byte;
}

void eq_console_write(const uint8_t *data, size_t bytes)
{
    (void)fwrite(data, 1, bytes, stdout);
    (void)fflush(stdout);
}

/* Not from the heap, where it would count as lost at the end. */
void *eq_platform_memory(size_t *bytes)
{
    static uint8_t memory[64 * 1024 * 1024] __attribute__((aligned(16)));
    *bytes = sizeof memory;
    return memory;
}

/* Where the stack ends is the operating system's business. */
void eq_platform_paint_stack(void)
{
}

size_t eq_platform_stack_used(void)
{
    return 0;
}

void eq_platform_reset(void)
{
}

#ifdef __linux__

static int cycle_counter = -1;

/* Of this thread, and those that it will start, outside of the kernel: what a user may count. Not 0 if he may not. */
static int count_cycles(void)
{
    struct perf_event_attr what;
    memset(&what, 0, sizeof what);
    what.type = PERF_TYPE_HARDWARE;
    what.size = sizeof what;
    what.config = PERF_COUNT_HW_CPU_CYCLES;
    what.inherit = 1;
    what.exclude_kernel = 1;
    what.exclude_hv = 1;
    cycle_counter = (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0UL);
    return cycle_counter < 0 ? errno : 0;
}

#endif

uint64_t eq_platform_clock(void)
{
#ifdef __linux__
    uint64_t cycles;
    if (cycle_counter >= 0) {
        return read(cycle_counter, &cycles, sizeof cycles) == (ssize_t)sizeof cycles ? cycles : 0;
    }
#endif
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A sixth word `cycles` after those of `profile` makes the clock count them in place of nanoseconds. */
int main(int argc, char **argv)
{
#ifdef __linux__
    if (argc == 6 && !strcmp(argv[1], "profile") && !strcmp(argv[5], "cycles")) {
        const int fault = count_cycles();
        if (fault) {
            (void)fprintf(stderr, "edgeq: cycles cannot be counted: %s\n", strerror(fault));
            return 6;
        }
        argc = 5;
    }
#endif
    return eq_main(argc, (const char *const *)argv);
}
