/* Two networks in two tasks: gestures 50 times a second, which must not wait, and digits in what time is left. */
#include <stdint.h>

#include "board.h"
#include "digits.h"
#include "gesture.h"
#include "tasks.h"

#include "recording.h"
#include "samples.h"

enum { WINDOW = 100, TICK = 50000 /* cycles */ };

/* Each model runs in the middle of the other one: each has an arena of its own, and its task a stack of its own, of
 * stack_bytes from manifest.json, what the code below takes, and the registers that a switch leaves there. */
static uint8_t gesture_arena[GESTURE_ARENA_BYTES] __attribute__((aligned(GESTURE_ARENA_ALIGNMENT)));
static uint8_t digits_arena[DIGITS_ARENA_BYTES] __attribute__((aligned(DIGITS_ARENA_ALIGNMENT)));
static uint64_t gesture_stack[192], digits_stack[256];

static volatile int gesture_now = -1;
static volatile unsigned gestures, changes;

/* The urgent one: a sample at each tick, a decision at each tenth. */
static void gesture_task(void)
{
    static int8_t ring[WINDOW][3];
    for (unsigned at = 0;; at++) {
        for (int axis = 0; axis < 3; axis++) {
            ring[at % WINDOW][axis] = gesture_quantize_input((float)recording[at % RECORDED][axis] / 4096.0f);
        }
        if (at + 1 >= WINDOW && at % 10 == 0) {
            int8_t *input = gesture_input_in_arena(gesture_arena), scores[GESTURE_OUTPUT_SIZE];
            int best = 0;
            for (unsigned k = 0; k < WINDOW; k++) {
                for (int axis = 0; axis < 3; axis++) {
                    *input++ = ring[(at + 1 + k) % WINDOW][axis];
                }
            }
            if (gesture_run(gesture_arena, NULL, scores) != GESTURE_OK) {
                board_exit(1);
            }
            for (int k = 1; k < GESTURE_OUTPUT_SIZE; k++) {
                best = scores[k] > scores[best] ? k : best;
            }
            changes += best != gesture_now;
            gesture_now = best;
            gestures++;
        }
        task_delay(1);
    }
}

/* The patient one: image after image, as fast as it can. */
static void digits_task(void)
{
    unsigned right = 0;
    for (int k = 0; k < SAMPLES; k++) {
        int8_t image[DIGITS_INPUT_SIZE], scores[DIGITS_OUTPUT_SIZE];
        int best = 0;
        for (int i = 0; i < DIGITS_INPUT_SIZE; i++) {
            image[i] = digits_quantize_input((float)samples[k][i]);
        }
        if (digits_run(digits_arena, image, scores) != DIGITS_OK) {
            board_exit(1);
        }
        for (int c = 1; c < DIGITS_OUTPUT_SIZE; c++) {
            best = scores[c] > scores[best] ? c : best;
        }
        right += best == labels[k];
    }
    static const char *const texts[] = {
        "images right: ", ", gestures decided: ", ", changes: ", ", stack left: ", " and "};
    const unsigned values[] = {right, gestures, changes, task_stack_left(0), task_stack_left(1)};
    for (int k = 0; k < 5; k++) {
        board_print(texts[k]);
        board_print_number(values[k]);
    }
    board_print("\n");
    board_exit(0);
}

int main(void)
{
    task_create(0, gesture_task, gesture_stack, sizeof gesture_stack);
    task_create(1, digits_task, digits_stack, sizeof digits_stack);
    task_start(TICK);
}
