import type { UpdateTask } from '@taai/contracts';
import { changedTask, eventsOf, newTask } from './task.rules';

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
