import type { UpdateTask } from '@taai/contracts';
import { changedTask, eventsOf, newTask, readTimestamp } from './task.rules';

const BIRTH = new Date('2026-03-01T12:00:00Z');
const LATER = new Date('2026-03-02T12:00:00Z');
const task = newTask({ title: 'Call Ada' }, 'u', BIRTH);
const change = (fields: Omit<UpdateTask, 'id'>) => changedTask(task, { id: task.id, ...fields }, LATER);

describe('newTask', () => {
  it('fills in what was not given', () => {
    expect(task).toEqual({
      id: expect.any(String),
      title: 'Call Ada',
      description: null,
      status: 'todo',
      priority: 'medium',
      due_at: null,
      assignee_id: null,
      labels: [],
      created_by: 'u',
      created_at: '2026-03-01T12:00:00.000Z',
      updated_at: '2026-03-01T12:00:00.000Z',
      completed_at: null,
    });
  });

  it('may be born completed', () => {
    expect(newTask({ title: 'Log it', status: 'done' }, null, BIRTH)).toMatchObject({
      completed_at: '2026-03-01T12:00:00.000Z',
      created_by: null,
    });
  });
});

describe('changedTask', () => {
  it('keeps what is not given', () => {
    expect(change({})).toEqual({ ...task, updated_at: '2026-03-02T12:00:00.000Z' });
  });

  it('empties what is given as null', () => {
    const full = newTask({ title: 't', description: 'd', due_at: '2026-04-01', assignee_id: 'u' }, null, BIRTH);
    const emptied = { id: full.id, description: null, due_at: null, assignee_id: null };
    expect(changedTask(full, emptied, LATER)).toMatchObject({ description: null, due_at: null, assignee_id: null });
  });

  it('knows when the task was completed, and that it is no longer', () => {
    const done = change({ status: 'done' });
    expect(done.completed_at).toBe('2026-03-02T12:00:00.000Z');
    const still = changedTask(done, { id: task.id, title: 'Called Ada' }, new Date('2026-03-03T12:00:00Z'));
    expect(still.completed_at).toBe('2026-03-02T12:00:00.000Z');
    expect(changedTask(still, { id: task.id, status: 'todo' }, LATER).completed_at).toBeNull();
  });
});

describe('eventsOf', () => {
  it('tells of a completion once', () => {
    const done = change({ status: 'done' });
    expect(eventsOf(task, change({ title: 'Write to Ada' }))).toEqual(['task.updated']);
    expect(eventsOf(task, done)).toEqual(['task.updated', 'task.completed']);
    expect(eventsOf(done, done)).toEqual(['task.updated']);
  });
});

describe('readTimestamp', () => {
  it.each([
    ['2026-04-01T10:00:00Z', '2026-04-01T10:00:00.000Z'],
    ['2026-04-01T10:00:00.123456+02:00', '2026-04-01T08:00:00.123Z'],
    ['2026-04-01t10:00z', '2026-04-01T10:00:00.000Z'],
    ['2026-04-01', '2026-04-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('reads %s', (text, utc) => {
    expect(readTimestamp('due_at', text)).toBe(utc);
  });

  it.each([
    '2026-04-01T10:00:00',
    '2026-W14-3',
    '2026-091',
    '20260401',
    '2026-13-01',
    '2026-04-01T10:00:00+99:00',
    '0000-01-01',
    '0001-01-01T00:00:00+10:00',
    '9999-12-31T23:59:59-10:00',
  ])('refuses %s', (text) => {
    expect(() => readTimestamp('due_at', text)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        extras: { errors: [expect.objectContaining({ path: 'due_at' })] },
      }),
    );
  });
});
