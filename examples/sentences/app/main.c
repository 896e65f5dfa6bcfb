/* Says what each line of text means: the nearest of forty meanings, by the cosine of two vectors. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "known.h"
#include "sentences.h"

_Static_assert(LENGTH == SENTENCES_INPUT_SIZE && VECTOR == SENTENCES_OUTPUT_SIZE, "train.py wrote another network");

static _Alignas(SENTENCES_ARENA_ALIGNMENT) uint8_t arena[SENTENCES_ARENA_BYTES];

/* The number of a word; 1 stands for those that nobody taught the network. */
static int32_t number_of(const char *word)
{
    for (int32_t k = 2; k < WORDS; k++) {
        if (strcmp(word, words[k]) == 0) {
            return k;
        }
    }
    return 1;
}

static void numbers_of(char *line, int32_t numbers[LENGTH])
{
    int count = 0;
    memset(numbers, 0, LENGTH * sizeof numbers[0]);
    for (char *c = line; *c != '\0'; c++) {
        *c = (char)(isalpha((unsigned char)*c) ? tolower((unsigned char)*c) : ' ');
    }
    for (char *word = strtok(line, " "); word != NULL && count < LENGTH; word = strtok(NULL, " ")) {
        numbers[count++] = number_of(word);
    }
}

int main(void)
{
    static char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        int32_t numbers[LENGTH];
        int8_t raw[VECTOR];
        numbers_of(line, numbers);
        if (sentences_run(arena, numbers, raw) != SENTENCES_OK) {
            return 1;
        }
        float vector[VECTOR], length = 0.0f, best = -1.0f;
        int found = 0;
        for (int k = 0; k < VECTOR; k++) {
            vector[k] = sentences_dequantize_output(raw[k]);
            length += vector[k] * vector[k];
        }
        for (int way = 0; way < WAYS; way++) {
            float product = 0.0f;
            for (int k = 0; k < VECTOR; k++) {
                product += vector[k] * (float)known[way][k];
            }
            const float cosine = product / (127.0f * sqrtf(length));
            if (cosine > best) {
                best = cosine;
                found = way;
            }
        }
        if (best < 0.8f) {
            printf("? (%.2f)\n", (double)best);
        } else {
            printf("%s, %s (%.2f)\n", meanings[found / ROOMS], rooms[found % ROOMS], (double)best);
        }
    }
    return 0;
}
