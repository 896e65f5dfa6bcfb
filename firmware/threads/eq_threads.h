/* A pool of POSIX threads that compute parts of layers.
 *
 * Whoever hands over work takes part in it: each thread, the caller among them, takes the part that has its number, and
 * then those that nobody has taken, until there are none. So a part of a layer finds in the nearest cache what the same
 * part of the layer before has left there, and yet work is done although a thread is slow to wake up, and also in a
 * process that was forked and has the pool without its threads. Threads look for work for a while before they sleep:
 * the next layer follows within microseconds. */
#ifndef EQ_THREADS_H
#define EQ_THREADS_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum {
    EQ_PATIENCE = 200000, /* nanoseconds to look for what another thread does before sleeping */
    EQ_MOST_PARTS = 64    /* of a work; more are done by the caller alone */
};

typedef struct {
    eq_pool pool; /* first, so that a pointer to it is one to the whole */
    pthread_mutex_t caller;
    pthread_mutex_t lock;
    pthread_cond_t begun, done;
    uint64_t turn; /* atomic: the number of the work, times 256, plus how many parts it has */
    int left;      /* atomic: parts that are not done */
    int ended;     /* atomic: whether threads are to end */
    void (*part)(void *work, int index);
    void *work;
    uint64_t taken[EQ_MOST_PARTS]; /* atomic: the number of the last work of which the part was taken */
    int threads;                   /* that were started */
    int numbered;                  /* atomic: threads that have a number */
    pthread_t thread[];
} eq_threads;

static inline void eq_threads_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

/* Whether it is not yet too late to look once more; the clock is asked now and then. */
static int eq_threads_looks(uint32_t *looks, int64_t *until)
{
    if (*looks % 32 == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        const int64_t time = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        *until = *looks == 0 ? time + EQ_PATIENCE : *until;
        if (time > *until) {
            return 0;
        }
    }
    (*looks)++;
    eq_threads_pause();
    return 1;
}

/* Compute parts of the work of `turn` until all are taken, the part `first` before others. Once a part is taken the
 * work cannot end before that part, so the fields that describe it stay as they are. Of a work that has ended all parts
 * were taken, by it or by later ones. */
static void eq_threads_take(eq_threads *p, uint64_t turn, int first)
{
    const uint64_t number = turn >> 8;
    const int parts = (int)(turn & 255);
    for (int i = 0; i < parts; i++) {
        const int index = (first + i) % parts;
        uint64_t *const taken = &p->taken[index];
        uint64_t last = __atomic_load_n(taken, __ATOMIC_ACQUIRE);
        if (last >= number ||
            !__atomic_compare_exchange_n(taken, &last, number, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            continue;
        }
        p->part(p->work, index);
        if (__atomic_sub_fetch(&p->left, 1, __ATOMIC_ACQ_REL) == 0) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void *eq_threads_main(void *self)
{
    eq_threads *const p = (eq_threads *)self;
    const int own = __atomic_add_fetch(&p->numbered, 1, __ATOMIC_RELAXED);
    uint64_t seen = 0; /* the turn before */
    while (!__atomic_load_n(&p->ended, __ATOMIC_ACQUIRE)) {
        uint64_t turn = __atomic_load_n(&p->turn, __ATOMIC_ACQUIRE);
        uint32_t looks = 0;
        int64_t until = 0;
        while (turn == seen && eq_threads_looks(&looks, &until)) {
            turn = __atomic_load_n(&p->turn, __ATOMIC_ACQUIRE);
        }
        if (turn == seen) {
            pthread_mutex_lock(&p->lock);
            while ((turn = __atomic_load_n(&p->turn, __ATOMIC_ACQUIRE)) == seen &&
                   !__atomic_load_n(&p->ended, __ATOMIC_ACQUIRE)) {
                pthread_cond_wait(&p->begun, &p->lock);
            }
            pthread_mutex_unlock(&p->lock);
        }
        seen = turn;
        eq_threads_take(p, turn, own);
    }
    return NULL;
}

/* Where another thread is using the pool, the caller does the work alone rather than wait. */
static void eq_threads_run(eq_pool *pool, void (*part)(void *work, int index), void *work, int parts)
{
    eq_threads *const p = (eq_threads *)(void *)pool;
    if (parts > EQ_MOST_PARTS || pthread_mutex_trylock(&p->caller) != 0) {
        for (int i = 0; i < parts; i++) {
            part(work, i);
        }
        return;
    }
    pthread_mutex_lock(&p->lock);
    const uint64_t number = (__atomic_load_n(&p->turn, __ATOMIC_RELAXED) >> 8) + 1,
                   turn = number << 8 | (uint64_t)parts;
    p->part = part;
    p->work = work;
    __atomic_store_n(&p->left, parts, __ATOMIC_RELAXED);
    __atomic_store_n(&p->turn, turn, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    eq_threads_take(p, turn, 0);
    uint32_t looks = 0;
    int64_t until = 0;
    while (__atomic_load_n(&p->left, __ATOMIC_ACQUIRE) > 0 && eq_threads_looks(&looks, &until)) {
    }
    if (__atomic_load_n(&p->left, __ATOMIC_ACQUIRE) > 0) {
        pthread_mutex_lock(&p->lock);
        while (__atomic_load_n(&p->left, __ATOMIC_ACQUIRE) > 0) {
            pthread_cond_wait(&p->done, &p->lock);
        }
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_unlock(&p->caller);
}

/* Start a pool in memory for an eq_threads and one pthread_t less than `threads`, aligned for pointers. The caller
 * counts as one of the threads; where the system gives fewer, these do all the work. Signals go to other threads. */
static eq_pool *eq_threads_start(void *memory, int threads)
{
    const int more = threads > 1 ? threads - 1 : 0;
    eq_threads *const p = (eq_threads *)memory;
    memset(p, 0, sizeof *p);
    p->pool.run = eq_threads_run;
    pthread_mutex_init(&p->caller, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->done, NULL);
#ifndef _WIN32 // signals are not delivered to threads there
    sigset_t all, before;
    sigfillset(&all);
    const int masked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
#endif
    while (p->threads < more && pthread_create(&p->thread[p->threads], NULL, eq_threads_main, p) == 0) {
        p->threads++;
    }
#ifndef _WIN32
    if (masked) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
#endif
    return &p->pool;
}

static void eq_threads_stop(eq_pool *pool)
{
    eq_threads *const p = (eq_threads *)(void *)pool;
    pthread_mutex_lock(&p->lock);
    __atomic_store_n(&p->ended, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++) {
        pthread_join(p->thread[i], NULL);
    }
    pthread_cond_destroy(&p->begun);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->caller);
}

#endif
